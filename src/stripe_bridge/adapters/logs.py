"""How the service logs: one record per line, with the request's context and without secrets.

The code logs through the standard library with its facts in `extra`; this module decides how they are rendered.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_MASK = "[redacted]"
# Wherever it appears, a secret is recognized by its prefix, its shape, or the word before it.
_SECRETS = (
    re.compile(r"\b(?:[sr]k_(?:live|test)_|whsec_|sb[clpt]_)[\w-]+"),
    # An OAuth code. An account is `acct_…`, which this leaves alone.
    re.compile(r"\bac_\w+"),
    # A JSON Web Token; a Fernet key; what a Fernet key sealed.
    re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"),
    re.compile(r"(?<![\w-])[\w-]{43}=(?![\w=])"),
    re.compile(r"\bgAAAA[\w-]{20,}=*"),
)
_SECRETS_AFTER_A_WORD = (
    re.compile(r"(?i)\b((?:bearer|basic)\s+)[\w.~+/=-]+"),
    re.compile(
        # Not a JSON word, which says whether there is one.
        r"""(?i)((?:access_token|refresh_token|client_secret|password)["']?\s*[=:]\s*["']?)"""
        r"""(?!(?:true|false|null)\b)[^\s"'&,)}]+"""
    ),
    re.compile(r"([?&](?:code|state|confirmation)=)[^\s&\"']+"),
    # The password in a URL.
    re.compile(r"(://[^\s/:@]*:)[^\s/@]+(?=@)"),
)
_SECRET_FIELDS = frozenset(
    "access_token authorization client_secret code confirmation password payload refresh_token secret token".split()
)

# Most texts are names that recur in the next record; searching them for secrets took half the time of a record.
_without_secrets: set[str] = set()
_MAX_CACHED_LENGTH, _MAX_CACHED = 64, 1_000


def configure_logging(level: str, *, json: bool) -> None:
    """Send every record of this process to standard error: as JSON for machines, else in columns for people."""
    renderer: Processor = (
        structlog.processors.JSONRenderer(default=str)
        if json
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(renderer))
    root = logging.getLogger()
    for former in root.handlers[:]:
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(level)
    # The server brings its own handlers; without them its records are like any others.
    server = logging.getLogger("uvicorn")
    server.handlers.clear()
    server.propagate = True
    # It logs its plugins, and which database it found every time the schema is checked, even for each readiness probe.
    logging.getLogger("alembic").setLevel(logging.WARNING)


def only_warnings_on_a_terminal() -> None:
    """If standard error is a terminal, log no less than warnings: other records would come in between a command's output."""
    if sys.stderr.isatty():
        root = logging.getLogger()
        root.setLevel(max(root.level, logging.WARNING))


def _formatter(renderer: Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            _without_colors,
            _redact_record,
            renderer,
        ],
    )


def redact(text: str) -> str:
    """The text with every secret in it masked."""
    if text in _without_secrets:
        return text
    masked = text
    for secret in _SECRETS:
        masked = secret.sub(_MASK, masked)
    for secret in _SECRETS_AFTER_A_WORD:
        masked = secret.sub(rf"\1{_MASK}", masked)
    if masked == text and len(text) <= _MAX_CACHED_LENGTH:
        if len(_without_secrets) >= _MAX_CACHED:
            _without_secrets.clear()
        _without_secrets.add(text)
    return masked


def _without_colors(_logger: WrappedLogger, _method: str, record: EventDict) -> EventDict:
    """uvicorn adds a second, colored message for terminals."""
    record.pop("color_message", None)
    return record


def _redact_record(_logger: WrappedLogger, _method: str, record: EventDict) -> Mapping[str, Any]:
    return {name: _redacted(name, value) for name, value in record.items()}


def _redacted(name: str, value: object) -> object:
    if name in _SECRET_FIELDS and value is not None:
        return _MASK
    if isinstance(value, Mapping):
        return {str(key): _redacted(str(key), part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted("", part) for part in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    # Whatever else it is, it would be rendered as text: this is the text.
    return redact(str(value))

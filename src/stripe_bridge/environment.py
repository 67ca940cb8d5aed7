"""Environment variables: read, parsed, and every fault collected. A parser raises ValueError saying what is required."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

Parse = Callable[[str], object]
_DAY = 86_400
# Headers allow no other characters, and text copied from a page may contain some.
_VISIBLE = re.compile("[!-~]+")


class Environment:
    """Collects faults instead of stopping at the first. A blank variable counts as missing."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.faults: list[str] = []

    def required(self, name: str, parse: Parse, *, what: str) -> object:
        """`what` says what it is and where to get it."""
        text = self._environ.get(name, "").strip()
        if not text:
            self.faults.append(f"{name} is missing: {what}")
            return None
        return self._parsed(name, text, parse)

    def optional(self, name: str, default: object, parse: Parse) -> object:
        text = self._environ.get(name, "").strip()
        return self._parsed(name, text, parse) if text else default

    def all_or_none(self, *names: str) -> None:
        """Settings that mean something only together."""
        missing = [name for name in names if not self._environ.get(name, "").strip()]
        if missing and len(missing) < len(names):
            self.faults.append(f"{', '.join(missing)} missing: {', '.join(names)} must be set together")

    def _parsed(self, name: str, text: str, parse: Parse) -> object:
        try:
            return parse(text)
        except ValueError as error:
            self.faults.append(f"{name} {error}")
            return None


def url(text: str) -> str:
    if not _is_url(text):
        raise ValueError("must be an http or https URL")
    return text


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        # Python checks the port only when it is read.
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def base_url(text: str) -> str:
    return url(text).rstrip("/")


def starting_with(*prefixes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not text.startswith(prefixes) or not _VISIBLE.fullmatch(text):
            begins = " or ".join(prefixes)
            raise ValueError(f"must begin with {begins}, and contain only visible ASCII characters")
        return text

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError("must be one of " + ", ".join(choices))
        return text

    return parse


def listed(text: str) -> tuple[str, ...]:
    return tuple(part for part in (part.strip() for part in text.split(",")) if part)


def between(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return parse


def seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < _DAY:
        raise ValueError("must be a number of seconds, more than 0")
    return number

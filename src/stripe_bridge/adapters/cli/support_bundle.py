"""`stripe-bridge support-bundle`."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import re
import zipfile
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from stripe_bridge.adapters.cli.context import CommandContext, context
from stripe_bridge.adapters.cli.doctor import row_of
from stripe_bridge.adapters.cli.group import SingleCommand, quietly
from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable

_RECORDS = 1_000
# Who helps needs no customer's address, in whatever text it stands.
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


@click.command("support-bundle", cls=SingleCommand)
@click.option(
    "--output",
    default="stripe-bridge-support.zip",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write. It must not exist.",
)
@click.option(
    "--log",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"The service's log; its last {_RECORDS} records are included.",
)
@quietly
def support_bundle(output: Path, log: Path | None) -> None:
    """Write a file to send with a request for help: what is running, how it is set up, and what is wrong.

    It contains the versions, the settings (for secrets, only whether they are set), the doctor's findings, the length of each
    tenant's change log, the metrics of what is waiting, and the log's last records. It contains no secrets, no payloads, and
    no customers' names or addresses, but it does contain tenants' names and Stripe's ids. Look through it before you send it.
    If the database is not usable, the parts that need it say so.

    \b
    Examples:
      stripe-bridge support-bundle --log /var/log/stripe-bridge.log
      journalctl -u 'stripe-bridge*' -o cat > log && stripe-bridge support-bundle --log log
    """
    tools = context()
    parts: dict[str, Callable[[], str]] = {
        "about.json": lambda: _as_json(_about(tools)),
        "settings.json": lambda: _as_json(dict(tools.settings)),
        "doctor.json": lambda: _as_json([row_of(each) for each in tools.bridge.operations.diagnose()]),
        "changes.json": lambda: _as_json(_heads(tools)),
        "metrics.txt": tools.render_metrics,
    }
    if log is not None:
        parts["log.jsonl"] = lambda: _last_records(log)
    try:
        with zipfile.ZipFile(output, "x", zipfile.ZIP_DEFLATED) as bundle:
            for name, read in parts.items():
                bundle.writestr(name, _MAIL.sub("[mail]", tools.redact(_read(read))))
    except FileExistsError:
        raise click.ClickException(f"{output} already exists.") from None
    click.echo(f"Written to {output}: {', '.join(parts)}. Look through it before you send it.")


def _read(read: Callable[[], str]) -> str:
    """A part that cannot be read is when help is needed most."""
    try:
        return read()
    except StoreUnavailable as error:
        return f"Not known: {error.reason}\n"
    except BridgeError as error:
        return f"Not known: {error.message}\n"


def _about(tools: CommandContext) -> dict[str, Any]:
    return {
        "version": importlib.metadata.version("stripe-bridge"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "schema": _read(lambda: tools.current_revision() or "none"),
        "schema_of_this_release": tools.newest_revision(),
        "packages": {
            name: importlib.metadata.version(name)
            for name in ("flask", "sqlalchemy", "psycopg", "dramatiq", "redis", "stripe", "uvicorn")
        },
    }


def _heads(tools: CommandContext) -> dict[str, int]:
    return {head.tenant_id: head.sequence for head in tools.bridge.changes.find_all_heads()}


def _last_records(log: Path) -> str:
    with log.open(errors="replace") as lines:
        return "".join(deque(lines, _RECORDS))


def _as_json(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True, default=str) + "\n"

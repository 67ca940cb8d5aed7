"""What commands work with, and where they get it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import click

if TYPE_CHECKING:
    from flask import Flask

    from stripe_bridge.bridge import Bridge

_EXTENSION = "stripe_bridge.commands"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandContext:
    """`migrate` and `current_revision` raise StoreUnavailable when the database does not answer.

    A revision of None is a database without a schema. `quiet_logs` keeps the logs out of what people read. `settings` has no
    secrets, `redact` masks them in a text, and `has_our_keys` says whether a text has each of ENCRYPTION_KEYS.
    """

    bridge: Bridge
    migrate: Callable[[], None]
    current_revision: Callable[[], str | None]
    newest_revision: Callable[[], str]
    run_worker: Callable[[], None]
    quiet_logs: Callable[[], None]
    settings: Mapping[str, object]
    render_metrics: Callable[[], str]
    redact: Callable[[str], str]
    has_our_keys: Callable[[str], bool]


FindContext = Callable[[], CommandContext]
"""Called each time that a command needs its context, and not for `--help`."""


def attach_context(app: Flask, find: FindContext) -> None:
    """For the `flask` command, whose commands find their app."""
    app.extensions[_EXTENSION] = find


def context() -> CommandContext:
    """That of the running command. `stripe-bridge` has it at hand, without Flask, which takes a sixth of a command's time."""
    given = click.get_current_context().obj
    find = given if callable(given) else given.load_app().extensions[_EXTENSION]
    return cast("FindContext", find)()

"""`flask db`."""

from __future__ import annotations

import click

from stripe_bridge.adapters.cli.context import context
from stripe_bridge.adapters.cli.group import CommandGroup, as_json
from stripe_bridge.adapters.cli.output import show_row


@click.group(cls=CommandGroup)
def db() -> None:
    """The database's schema.

    \b
    Examples:
      flask db upgrade
      flask db current
    """


@db.command()
def upgrade() -> None:
    """Upgrade the schema to this release, all or nothing. Safe to run several times at once."""
    context().migrate()
    click.echo(f"The schema is at {context().current_revision()}.")


@db.command()
@as_json
def current(as_json: bool) -> None:
    """Show the schema's revision and the one this release needs."""
    found, needed = context().current_revision(), context().newest_revision()
    show_row({"current": found, "newest": needed, "is_newest": found == needed}, as_json=as_json)

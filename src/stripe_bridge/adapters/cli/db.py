"""`stripe-bridge db`."""

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
      stripe-bridge db upgrade
      stripe-bridge db current
      stripe-bridge db restored
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


@db.command()
def restored() -> None:
    """Declare that a backup was restored: hold all sends and refunds until `stripe-bridge reconcile --since` has completed.

    Until then, this service does not know what was created at Stripe since the backup, and could bill orders twice. New ids
    start far above those in the backup. Without this command, the first event about an unknown invoice has the same effect
    for its tenant. Everyone is signed out of the console; API tokens that were revoked since the backup work again.
    """
    is_new = context().bridge.operations.begin_recovery()
    click.echo(
        "All sends are held, and everyone is signed out of the console. Now run: stripe-bridge reconcile --since DATE, with a "
        "date before the backup was made. Tokens that were revoked since then work again: stripe-bridge tokens list."
        if is_new
        else "All sends are held already."
    )

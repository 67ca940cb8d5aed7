"""`flask changes`."""

from __future__ import annotations

import click

from stripe_bridge.adapters.cli.context import context
from stripe_bridge.adapters.cli.group import CommandGroup
from stripe_bridge.adapters.cli.options import tenant


@click.group(cls=CommandGroup)
def changes() -> None:
    """The change log: what was recorded of this service's own objects.

    \b
    Examples:
      flask changes resume --tenant acme
    """


@changes.command()
@tenant
def resume(tenant_id: str) -> None:
    """Send and refund again for a tenant that is held because of a reader of its changes: the reader was wrong.

    A reader that holds other changes than the database is mostly right: the database was restored from a backup, and
    `flask reconcile --since` ends that. If the reader is wrong, mend or stop it first: its next request holds the tenant
    again.
    """
    accounts = context().bridge.changes.resume_sends(tenant_id)
    where = ", ".join(account for account in accounts if account)
    click.echo(f"{tenant_id} sends and refunds again{f', through {where}' if where else ''}.")

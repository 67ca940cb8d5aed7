"""`stripe-bridge integrations`."""

from __future__ import annotations

import click

from stripe_bridge.adapters.cli.confirming import confirm, yes_option
from stripe_bridge.adapters.cli.context import context
from stripe_bridge.adapters.cli.group import CommandGroup, as_json
from stripe_bridge.adapters.cli.options import (
    IDENTIFIER,
    Text,
    check_tenant,
    new_tenant_option,
    page_request,
    paging,
    tenant,
    tenant_option,
)
from stripe_bridge.adapters.cli.output import counted, show_page, show_row, show_rows
from stripe_bridge.adapters.cli.rendering import in_flight_rows, integration_row
from stripe_bridge.domain.integration import Integration

_COLUMNS = ("id", "name", "sync_status", "stripe_account_id", "livemode", "webhook_registered", "created_at")


@click.group(cls=CommandGroup)
def integrations() -> None:
    """Stripe accounts connected to this service, or about to be.

    \b
    Examples:
      stripe-bridge integrations create "Rosen Furniture" --tenant acme
      stripe-bridge integrations authorize 3 --tenant acme
      stripe-bridge integrations list --tenant acme
      stripe-bridge integrations disconnect 3 --tenant acme
      stripe-bridge integrations in-flight 3 --tenant acme
    """


@integrations.command("list")
@tenant
@paging
@as_json
def list_(tenant_id: str, limit: int, before: int | None, as_json: bool) -> None:
    """Show a tenant's integrations, newest first."""
    page = context().bridge.integrations.list(tenant_id, page_request(limit, before))
    none = "No integrations. Create one with: stripe-bridge integrations create (see --help)"
    show_page(page, integration_row, as_json=as_json, when_empty=none, columns=_COLUMNS)


@integrations.command()
@click.argument("integration_id", metavar="ID", type=IDENTIFIER)
@tenant
@as_json
def show(integration_id: int, tenant_id: str, as_json: bool) -> None:
    """Show everything known about an integration, except its access token."""
    show_row(integration_row(context().bridge.integrations.show(tenant_id, integration_id)), as_json=as_json)


@integrations.command()
@click.argument("name", type=Text())
@tenant_option
@new_tenant_option
@as_json
def create(name: str, tenant_id: str, new_tenant: bool, as_json: bool) -> None:
    """Create an integration with this name. It is not connected to any account yet: `authorize` comes next.

    \b
    Example, for a script:
      ID=$(stripe-bridge integrations create "Rosen Furniture" --tenant acme --json | jq .id)
    """
    check_tenant(tenant_id, is_new=new_tenant)
    view = context().bridge.integrations.create(tenant_id, name)
    show_row(integration_row(view), as_json=as_json, columns=_COLUMNS)


@integrations.command()
@click.argument("integration_id", metavar="ID", type=IDENTIFIER)
@tenant
@as_json
def authorize(integration_id: int, tenant_id: str, as_json: bool) -> None:
    """Print the URL where the merchant grants this service access.

    It works once, within ten minutes. Give it only to the merchant: the person who opens it chooses which Stripe account is
    connected.
    """
    url = context().bridge.integrations.authorize(tenant_id, integration_id)
    if as_json:
        show_row({"authorize_url": url}, as_json=True)
    else:
        click.echo(url)


@integrations.command()
@click.argument("integration_id", metavar="ID", type=IDENTIFIER)
@tenant
@yes_option
@as_json
def disconnect(integration_id: int, tenant_id: str, yes: bool, as_json: bool) -> None:
    """Disconnect the account and ask Stripe to revoke our access.

    No new calls are made afterwards. This waits up to ten seconds for calls in flight. If Stripe is unreachable, a
    worker revokes the access later (see `stripe-bridge intents list`). Open invoices can still be paid: everything that
    is still in flight is listed on stderr. Running this again changes nothing.
    """
    bridge = context().bridge
    integration = bridge.integrations.show(tenant_id, integration_id).integration
    if integration.connected:
        confirm(_consequence(integration, _in_flight(tenant_id, integration_id)), yes=yes)
    bridge.integrations.disconnect(tenant_id, integration_id)
    view = bridge.integrations.show(tenant_id, integration_id)
    show_row(integration_row(view), as_json=as_json, columns=_COLUMNS)
    if left := _in_flight(tenant_id, integration_id):
        see = f"stripe-bridge integrations in-flight {integration_id} --tenant {tenant_id}"
        click.echo(f"Still in flight: {left}. See them with: {see}", err=True)


def _in_flight(tenant_id: str, integration_id: int) -> str:
    counts = context().bridge.integrations.list_in_flight(tenant_id, integration_id).counts
    return ", ".join(counted(number, kind.removesuffix("s")) for kind, number in counts.items())


def _consequence(integration: Integration, in_flight: str) -> str:
    return (
        f"This disconnects {integration.stripe_account_id} ({integration.name}): until the merchant authorizes it again, "
        "nothing can be sent, voided or refunded there, and its events no longer arrive. "
        f"In flight: {in_flight or 'nothing'}."
    )


@integrations.command("in-flight")
@click.argument("integration_id", metavar="ID", type=IDENTIFIER)
@tenant
@as_json
def in_flight(integration_id: int, tenant_id: str, as_json: bool) -> None:
    """Show what is still in flight in an integration's account: open invoices, pending refunds, open disputes.

    For a disconnected integration this is the last known state: Stripe no longer sends us its events. Check the
    account's Dashboard, or authorize it again, which fetches what was missed.
    """
    rows = in_flight_rows(context().bridge.integrations.list_in_flight(tenant_id, integration_id))
    show_rows(rows, as_json=as_json, when_empty="Nothing is in flight.")

"""`stripe-bridge orders`."""

from __future__ import annotations

import click

from stripe_bridge.adapters.cli.context import context
from stripe_bridge.adapters.cli.group import CommandGroup, as_json
from stripe_bridge.adapters.cli.options import IDENTIFIER, tenant
from stripe_bridge.adapters.cli.output import show_row
from stripe_bridge.adapters.cli.rendering import order_row


@click.group(cls=CommandGroup)
def orders() -> None:
    """The ERP's sales orders, as last submitted.

    \b
    Examples:
      stripe-bridge orders show 1001 --tenant acme
      stripe-bridge orders reset-updated-at 1001 --tenant acme
    """


@orders.command()
@click.argument("sales_order_id", metavar="ID", type=IDENTIFIER)
@tenant
@as_json
def show(sales_order_id: int, tenant_id: str, as_json: bool) -> None:
    """Show a sales order, what is settled and what it still owes, in minor units. The ID is the ERP's."""
    show_row(order_row(context().bridge.sales_orders.show(tenant_id, sales_order_id)), as_json=as_json)


@orders.command("reset-updated-at")
@click.argument("sales_order_id", metavar="ID", type=IDENTIFIER)
@tenant
@as_json
def reset_updated_at(sales_order_id: int, tenant_id: str, as_json: bool) -> None:
    """Accept the ERP's copies of an order again whose updated_at lies in the future. The ID is the ERP's.

    A copy that is older than the stored one is refused. If the ERP once sent a time in the future by mistake, it could not
    change the order until then. This clears that time, and nothing else: the next copy is accepted, whatever its time.
    """
    show_row(
        order_row(context().bridge.sales_orders.reset_updated_at(tenant_id, sales_order_id)), as_json=as_json
    )

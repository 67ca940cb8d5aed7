"""`flask orders`."""

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
    Example:
      flask orders show 1001 --tenant acme
    """


@orders.command()
@click.argument("sales_order_id", metavar="ID", type=IDENTIFIER)
@tenant
@as_json
def show(sales_order_id: int, tenant_id: str, as_json: bool) -> None:
    """Show a sales order, what is settled and what it still owes, in minor units. The ID is the ERP's."""
    show_row(order_row(context().bridge.sales_orders.show(tenant_id, sales_order_id)), as_json=as_json)

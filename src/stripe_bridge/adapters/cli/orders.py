"""`stripe-bridge orders`."""

from __future__ import annotations

import click

from stripe_bridge.adapters.cli.context import context
from stripe_bridge.adapters.cli.group import CommandGroup, as_json
from stripe_bridge.adapters.cli.options import IDENTIFIER, Text, tenant
from stripe_bridge.adapters.cli.output import show_row, show_rows
from stripe_bridge.adapters.cli.rendering import order_row
from stripe_bridge.domain.paging import PageRequest

_COLUMNS = (
    "sales_order_id",
    "number",
    "total_in_cents",
    "settled_in_cents",
    "outstanding_in_cents",
    "currency",
    "open_invoice",
    "updated_at",
)


@click.group(cls=CommandGroup)
def orders() -> None:
    """The ERP's sales orders, as last submitted.

    \b
    Examples:
      stripe-bridge orders show 1001 --tenant acme
      stripe-bridge orders search SO-10 --tenant acme
      stripe-bridge orders reset-updated-at 1001 --tenant acme
    """


@orders.command()
@click.argument("sales_order_id", metavar="ID", type=IDENTIFIER)
@tenant
@as_json
def show(sales_order_id: int, tenant_id: str, as_json: bool) -> None:
    """Show a sales order, what is settled and what it still owes, in minor units. The ID is the ERP's."""
    show_row(order_row(context().bridge.sales_orders.show(tenant_id, sales_order_id)), as_json=as_json)


@orders.command()
@click.argument("text", required=False, type=Text(), metavar="[TEXT]")
@tenant
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=25, show_default=True, help="How many to show."
)
@click.option("--after", type=IDENTIFIER, help="Continue after the order with this id.")
@as_json
def search(text: str | None, tenant_id: str, limit: int, after: int | None, as_json: bool) -> None:
    """Find sales orders by the ERP's id or the beginning of their number; by default all, highest id first.

    \b
    Examples:
      stripe-bridge orders search SO-10 --tenant acme
      stripe-bridge orders search 1001 --tenant acme
    """
    request = PageRequest(per_page=limit, before_id=after)
    page = context().bridge.sales_orders.search(tenant_id, text or "", request)
    rows = [order_row(view) for view in page.items]
    show_rows(rows, as_json=as_json, when_empty="No sales orders.", columns=_COLUMNS)
    if page.next_cursor is not None and not as_json:
        click.echo(f"\nThere are more; continue with: --after {rows[-1]['sales_order_id']}", err=True)


@orders.command("reset-updated-at")
@click.argument("sales_order_id", metavar="ID", type=IDENTIFIER)
@tenant
@as_json
def reset_updated_at(sales_order_id: int, tenant_id: str, as_json: bool) -> None:
    """Accept the ERP's copies of an order again after one with a future updated_at. The ID is the ERP's.

    A copy that is older than the stored one is refused. If the ERP once sent a time in the future by mistake, it cannot
    change the order until then. This clears that time and nothing else: the next copy is accepted, whatever its time.
    """
    show_row(
        order_row(context().bridge.sales_orders.reset_updated_at(tenant_id, sales_order_id)), as_json=as_json
    )

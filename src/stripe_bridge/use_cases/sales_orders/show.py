"""Showing a sales order, with what it still owes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.sales_order import SalesOrder
from stripe_bridge.ports.storage.unit_of_work import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesOrderView:
    """Amounts in minor units. `open_invoice` is the payable one, if there is one."""

    order: SalesOrder
    outstanding: int
    settled: int
    overpaid: int
    open_invoice: Invoice | None


class ShowSalesOrder:
    """Raises SalesOrderNotFound."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str, sales_order_id: int) -> SalesOrderView:
        with self._store.reading() as work:
            order = work.sales_orders.get(tenant_id, sales_order_id)
            return view_order(order, work.invoices.of_order(tenant_id, sales_order_id))


def view_order(order: SalesOrder, invoices: Sequence[Invoice]) -> SalesOrderView:
    settled = sum(invoice.settled_amount for invoice in invoices)
    return SalesOrderView(
        order=order,
        outstanding=order.outstanding(settled),
        settled=settled,
        overpaid=order.overpaid(settled),
        open_invoice=next((invoice for invoice in invoices if invoice.is_payable), None),
    )

"""Searching a tenant's sales orders, by the ERP's number or id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stripe_bridge.domain.ids import read_id
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.sales_order import SalesOrder
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.use_cases.sales_orders.show import SalesOrderView, view_order


class SearchSalesOrders:
    """Those with a number that begins with the text, by number, and before them the one with this id; without a text all, the
    highest id first. Those that the ERP has not submitted since a restore are among them.

    Raises InvalidCursor.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str, text: str, request: PageRequest) -> Page[SalesOrderView]:
        with self._store.reading() as work:
            page = work.sales_orders.search(tenant_id, text or None, request)
            if not request.by_cursor:
                page = replace(page, items=_with_exact(work, tenant_id, text, page.items))
            invoices = work.invoices.of_orders(tenant_id, [order.id for order in page.items])
            return page.shown_as([view_order(order, invoices[order.id]) for order in page.items])


def _with_exact(
    work: UnitOfWork, tenant_id: str, text: str, found: Sequence[SalesOrder]
) -> Sequence[SalesOrder]:
    id_ = read_id(text)
    exact = None if id_ is None else work.sales_orders.find(tenant_id, id_)
    return found if exact is None else [exact, *(each for each in found if each.id != exact.id)]

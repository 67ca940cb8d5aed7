"""The ERP's sales orders, as copies."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.use_cases.sales_orders.put import PutSalesOrder
from stripe_bridge.use_cases.sales_orders.reset import ResetUpdatedAt
from stripe_bridge.use_cases.sales_orders.search import SearchSalesOrders
from stripe_bridge.use_cases.sales_orders.show import ShowSalesOrder


@dataclass(frozen=True, kw_only=True)
class SalesOrders:
    put: PutSalesOrder
    show: ShowSalesOrder
    search: SearchSalesOrders
    reset_updated_at: ResetUpdatedAt


def build_sales_orders(adapters: Adapters) -> SalesOrders:
    return SalesOrders(
        put=PutSalesOrder(adapters.store, adapters.clock),
        show=ShowSalesOrder(adapters.store),
        search=SearchSalesOrders(adapters.store),
        reset_updated_at=ResetUpdatedAt(adapters.store, adapters.clock),
    )

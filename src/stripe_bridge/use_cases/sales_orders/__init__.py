"""The ERP's sales orders, as copies."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.use_cases.sales_orders.put import PutSalesOrder
from stripe_bridge.use_cases.sales_orders.reset import ResetUpdatedAt
from stripe_bridge.use_cases.sales_orders.show import ShowSalesOrder


@dataclass(frozen=True, kw_only=True)
class SalesOrders:
    put: PutSalesOrder
    show: ShowSalesOrder
    reset_updated_at: ResetUpdatedAt

"""Accepting the ERP's copies of an order again after one came with a time in the future."""

from __future__ import annotations

from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.sales_orders.show import SalesOrderView, view_order


class ResetUpdatedAt:
    """Clear the ERP's time of an order's last change, so that the next copy is accepted whatever its own time.

    Raises SalesOrderNotFound, OrderNotLocked.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self, tenant_id: str, sales_order_id: int) -> SalesOrderView:
        with self._store.writing() as work:
            stored = work.sales_orders.get(tenant_id, sales_order_id, lock=True)
            order = stored.unlocked(self._clock.now())
            work.sales_orders.reset_updated_at(order)
            invoices = work.invoices.of_order(tenant_id, sales_order_id)
            work.commit()
        return view_order(order, invoices)

"""Storing the ERP's sales orders, and showing what they still owe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stripe_bridge.domain.errors.rules import CurrencyLocked
from stripe_bridge.domain.errors.values import UpdatedInFuture
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.sales_order import Customer, OrderLine, SalesOrder
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.sales_orders.show import SalesOrderView, view_order

MAX_CLOCK_SKEW = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PutSalesOrderCommand:
    """The ERP's copy. `updated_at` is the ERP's clock."""

    tenant_id: str
    sales_order_id: int
    number: str
    currency: str
    total: int
    paid_elsewhere: int
    customer: Customer
    lines: tuple[OrderLine, ...]
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSalesOrder:
    view: SalesOrderView
    created: bool


class PutSalesOrder:
    """Store the ERP's copy of an order; storing the same copy again changes nothing.

    Raises CurrencyUnknown, AmountNotChargeable, LinesDoNotAddUp, UpdatedInFuture, CurrencyLocked, OrderOutdated.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self, command: PutSalesOrderCommand) -> StoredSalesOrder:
        now = self._clock.now()
        given = SalesOrder(
            tenant_id=command.tenant_id,
            id=command.sales_order_id,
            number=command.number,
            currency=command.currency.upper(),
            total=command.total,
            paid_elsewhere=command.paid_elsewhere,
            customer=command.customer,
            lines=command.lines,
            source_updated_at=command.updated_at,
            created_at=now,
            updated_at=now,
        )
        given.check()
        if given.source_updated_at > now + MAX_CLOCK_SKEW:
            raise UpdatedInFuture
        with self._store.writing() as work:
            stored = work.sales_orders.find(given.tenant_id, given.id, lock=True)
            if stored is None and not work.sales_orders.add(given):
                # Another request stored the first copy in the meantime.
                stored = work.sales_orders.get(given.tenant_id, given.id, lock=True)
            order = given if stored is None else stored.replaced_by(given)
            invoices = work.invoices.of_order(order.tenant_id, order.id)
            if stored is not None and stored.currency != order.currency:
                _check_currency_unlocked(invoices)
            if stored is not None and stored != order:
                work.sales_orders.save(order)
            work.commit()
        return StoredSalesOrder(view=view_order(order, invoices), created=stored is None)


def _check_currency_unlocked(invoices: Sequence[Invoice]) -> None:
    for invoice in invoices:
        if invoice.status is not InvoiceStatus.VOID:
            raise CurrencyLocked(invoice.currency)

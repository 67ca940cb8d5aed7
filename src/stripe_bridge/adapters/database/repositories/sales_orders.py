"""Sales orders and their billed customers, stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, case, literal, select, true, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from stripe_bridge.adapters.database.mapping import Mapper, table_of, with_lock
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.base import begins_with
from stripe_bridge.adapters.database.tables.invoicing import BilledCustomerRow, SalesOrderRow
from stripe_bridge.domain.billed_customer import BilledCustomer, CustomerKey
from stripe_bridge.domain.errors.base import NotFound, SalesOrderNotFound
from stripe_bridge.domain.errors.conflicts import StaleWrite
from stripe_bridge.domain.errors.values import InvalidCursor
from stripe_bridge.domain.paging import Page, PageRequest, cursor_after
from stripe_bridge.domain.sales_order import SalesOrder

_ORDERS = Mapper(SalesOrder, SalesOrderRow)
_ORDER = _ORDERS.table.c
_ORDER_BY_ID = with_lock(
    _ORDERS.select.where(_ORDER.tenant_id == bindparam("tenant_id"), _ORDER.id == bindparam("id"))
)
_ADD_ORDER = insert(_ORDERS.table).on_conflict_do_nothing().returning(_ORDER.id)
_SAVE_ORDER = update(_ORDERS.table).where(
    _ORDER.tenant_id == bindparam("own_tenant_id"),
    _ORDER.id == bindparam("own_id"),
    _ORDER.source_updated_at < bindparam("own_source_updated_at"),
)

_CUSTOMERS = table_of(BilledCustomerRow)
_CUSTOMER = _CUSTOMERS.c
_CUSTOMER_BY_ID = with_lock(select(_CUSTOMERS).where(_CUSTOMER.id == bindparam("id")))
_CUSTOMER_BY_KEY = (
    select(_CUSTOMERS)
    .where(
        _CUSTOMER.tenant_id == bindparam("tenant_id"),
        _CUSTOMER.account_id == bindparam("account_id"),
        _CUSTOMER.erp_customer_id == bindparam("erp_customer_id"),
        _CUSTOMER.email == bindparam("email"),
    )
    .with_for_update(key_share=True)
)
_ADD_CUSTOMER = insert(_CUSTOMERS).on_conflict_do_nothing()


class SqlSalesOrders:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def get(self, tenant_id: str, sales_order_id: int, *, lock: bool = False) -> SalesOrder:
        order = self.find(tenant_id, sales_order_id, lock=lock)
        if order is None or not order.submitted:
            raise SalesOrderNotFound
        return order

    def find(self, tenant_id: str, sales_order_id: int, *, lock: bool = False) -> SalesOrder | None:
        return self._transaction.find(_ORDERS, _ORDER_BY_ID[lock], tenant_id=tenant_id, id=sales_order_id)

    def add(self, order: SalesOrder) -> bool:
        is_new = self._transaction.execute(_ADD_ORDER, _ORDERS.values(order)).first() is not None
        if is_new:
            self._transaction.added(order)
        return is_new

    def save(self, order: SalesOrder) -> None:
        own = {f"own_{name}": getattr(order, name) for name in ("tenant_id", "id", "source_updated_at")}
        if self._transaction.execute(_SAVE_ORDER, _ORDERS.values(order) | own).rowcount != 1:
            raise StaleWrite
        self._transaction.saved(order)

    def search(self, tenant_id: str, prefix: str | None, request: PageRequest) -> Page[SalesOrder]:
        matching = _ORDERS.select.where(_ORDER.tenant_id == tenant_id).limit(request.per_page + 1)
        before = request.before_id
        if prefix is not None:
            first, last = begins_with(_ORDER.number, prefix)
            begin = first if before is None else self._after(tenant_id, before)
            matching = matching.where(begin, last).order_by(_ORDER.number, _ORDER.id)
        else:
            matching = matching.where(true() if before is None else _ORDER.id < before).order_by(
                _ORDER.id.desc()
            )
        found = self._transaction.list(_ORDERS, matching)
        return Page.of(found, request, None, lambda order: cursor_after(order.id))

    def _after(self, tenant_id: str, sales_order_id: int) -> ColumnElement[bool]:
        """Behind an order, by number. Raises InvalidCursor."""
        last = self.find(tenant_id, sales_order_id)
        if last is None:
            raise InvalidCursor
        place = tuple_(literal(last.number, _ORDER.number.type), literal(last.id, _ORDER.id.type))
        return tuple_(_ORDER.number, _ORDER.id) > place

    def ids_of_number(self, tenant_id: str, number: str, limit: int) -> Sequence[int]:
        own = select(_ORDER.id).where(_ORDER.tenant_id == tenant_id, _ORDER.number == number)
        return self._transaction.execute(own.order_by(_ORDER.id).limit(limit)).scalars().all()

    def reset_updated_at(self, order: SalesOrder) -> None:
        statement = update(_ORDERS.table).where(_ORDER.tenant_id == order.tenant_id, _ORDER.id == order.id)
        times = {"source_updated_at": order.source_updated_at, "updated_at": order.updated_at}
        # The change log has the order as before: times alone are no change.
        is_logged = _ORDER.logged_updated_at == _ORDER.updated_at
        logged = case((is_logged, order.updated_at), else_=_ORDER.logged_updated_at)
        self._transaction.execute(statement.values({**times, "logged_updated_at": logged}))


class SqlBilledCustomers:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def get_or_add(self, key: CustomerKey) -> BilledCustomer:
        values = {name: getattr(key, name) for name in key.__dataclass_fields__}
        found = self._transaction.execute(_CUSTOMER_BY_KEY, values).first()
        if found is None:
            self._transaction.execute(_ADD_CUSTOMER, {**values, "stripe_customer_id": None})
            found = self._transaction.execute(_CUSTOMER_BY_KEY, values).one()
        return _customer(found)

    def get(self, customer_id: int, *, lock: bool = False) -> BilledCustomer:
        found = self._transaction.execute(_CUSTOMER_BY_ID[lock], {"id": customer_id}).first()
        if found is None:
            raise NotFound
        return _customer(found)

    def is_known(self, account_id: str, stripe_customer_id: str) -> bool:
        statement = select(_CUSTOMER.id).where(
            _CUSTOMER.account_id == account_id, _CUSTOMER.stripe_customer_id == stripe_customer_id
        )
        return self._transaction.execute(statement.limit(1)).first() is not None

    def ids_by_email(self, tenant_id: str, prefix: str, limit: int) -> Sequence[int]:
        matching = select(_CUSTOMER.id).where(
            _CUSTOMER.tenant_id == tenant_id, *begins_with(_CUSTOMER.email, prefix)
        )
        in_order = matching.order_by(_CUSTOMER.email, _CUSTOMER.id).limit(limit)
        return self._transaction.execute(in_order).scalars().all()

    def save(self, customer: BilledCustomer) -> None:
        statement = update(_CUSTOMERS).where(_CUSTOMER.id == customer.id)
        self._transaction.execute(statement.values(stripe_customer_id=customer.stripe_customer_id))


def _customer(row: Row[Any]) -> BilledCustomer:
    key = CustomerKey(
        tenant_id=row.tenant_id,
        account_id=row.account_id,
        erp_customer_id=row.erp_customer_id,
        email=row.email,
    )
    return BilledCustomer(id=row.id, key=key, stripe_customer_id=row.stripe_customer_id)

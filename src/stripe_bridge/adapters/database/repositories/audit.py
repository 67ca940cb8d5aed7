"""The change log as it is stored, and the objects that it is about.

Rows are read with nothing between them and the driver: faster, and no value is so wrong that it cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, func, select, type_coerce
from sqlalchemy.types import NullType

from stripe_bridge.adapters.database.any_of import any_of
from stripe_bridge.adapters.database.change_log import ENTRIES, HEADS
from stripe_bridge.adapters.database.compression import decompressed
from stripe_bridge.adapters.database.identity_map import INVOICES
from stripe_bridge.adapters.database.mapping import Mapper, upsert
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.accounts import IntegrationRow, TokenRow
from stripe_bridge.adapters.database.tables.change_checks import ChangeCheckRow
from stripe_bridge.adapters.database.tables.invoicing import SalesOrderRow
from stripe_bridge.adapters.database.tables.payments import DisputeRow, RefundRow
from stripe_bridge.domain.access import ApiToken
from stripe_bridge.domain.changes.change import ChangeType, SubjectType
from stripe_bridge.domain.changes.purging import Purge, purges_in
from stripe_bridge.domain.changes.recorded import KINDS
from stripe_bridge.domain.changes.recorder import LogState
from stripe_bridge.domain.changes.shown import shown_time
from stripe_bridge.domain.changes.verification import ComparedObject, LogCheck, StoredEntry, pair_up
from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.sales_order import SalesOrder

_ENTRY = ENTRIES.table.c
_OWN = _ENTRY.tenant_id == bindparam("tenant_id")
_COLUMNS: Sequence[ColumnElement[Any]] = [
    type_coerce(_ENTRY[name], NullType()) for name in StoredEntry._fields
]
_RAW: Select[*tuple[Any, ...]] = select(*_COLUMNS)
_FOLLOWING = (
    _RAW.where(_OWN, _ENTRY.sequence > bindparam("after")).order_by(_ENTRY.sequence).limit(bindparam("limit"))
)
_PRECEDING = (
    _RAW.where(_OWN, _ENTRY.sequence < bindparam("before"))
    .order_by(_ENTRY.sequence.desc())
    .limit(bindparam("limit"))
)
_FIRST_TENANT = select(func.min(_ENTRY.tenant_id))
_NEXT_TENANT = _FIRST_TENANT.where(_ENTRY.tenant_id > bindparam("after"))
_HEAD_TENANTS = select(HEADS.table.c.tenant_id)
_OF_NO_ORDER = _ENTRY.sales_order_id.is_(None)
_PURGES = select(_ENTRY.signed).where(_OWN, _ENTRY.subject_type == SubjectType.CHANGES, _OF_NO_ORDER)

_CHECKS = Mapper(LogCheck, ChangeCheckRow)
_PUT_CHECK = upsert(_CHECKS.table)

_ORDERS, _REFUNDS = Mapper(SalesOrder, SalesOrderRow), Mapper(Refund, RefundRow)
_DISPUTES = Mapper(Dispute, DisputeRow)
_INTEGRATIONS, _TOKENS = Mapper(Integration, IntegrationRow), Mapper(ApiToken, TokenRow)
_ORDER, _INVOICE = _ORDERS.table.c, INVOICES.table.c
_ORDER_IDS = (
    select(_ORDER.id)
    .where(_ORDER.tenant_id == bindparam("tenant_id"), _ORDER.id > bindparam("after"))
    .order_by(_ORDER.id)
    .limit(bindparam("limit"))
)
# Also those that only the log still has.
_LOGGED_ORDER_IDS = (
    select(_ENTRY.sales_order_id)
    .distinct()
    .where(_OWN, _ENTRY.sales_order_id > bindparam("after"))
    .order_by(_ENTRY.sales_order_id)
    .limit(bindparam("limit"))
)
_OF_ORDERS: Sequence[tuple[Mapper[Any], Select[Any]]] = (
    (
        _ORDERS,
        _ORDERS.select.where(_ORDER.tenant_id == bindparam("tenant_id"), any_of(_ORDER.id, "ids")),
    ),
    (
        INVOICES,
        INVOICES.select.where(
            _INVOICE.tenant_id == bindparam("tenant_id"), any_of(_INVOICE.sales_order_id, "ids")
        ),
    ),
)
_OF_INVOICES: Sequence[tuple[Mapper[Any], Select[Any]]] = tuple(
    (mapper, mapper.select.where(any_of(mapper.table.c.invoice_id, "ids")))
    for mapper in (_REFUNDS, _DISPUTES)
)
_STANDING: Sequence[tuple[Mapper[Any], Select[Any]]] = tuple(
    (mapper, mapper.select.where(mapper.table.c.tenant_id == bindparam("tenant_id")))
    for mapper in (_INTEGRATIONS, _TOKENS)
)
_SUBJECT_TYPES = [kind.subject_type for kind in KINDS.values()]


def _newest(*conditions: Any) -> Select[*tuple[Any, ...]]:
    """The newest entry of each object, of those that these conditions choose."""
    newest = (
        select(func.max(_ENTRY.sequence).label("sequence"))
        .where(_OWN, _ENTRY.subject_type.in_(_SUBJECT_TYPES), *conditions)
        .group_by(_ENTRY.subject_type, _ENTRY.subject_id)
        .subquery()
    )
    return _RAW.join(newest, and_(_OWN, _ENTRY.sequence == newest.c.sequence))


# Said as the index has it, or SQLite does not see that it fits.
_NEWEST_OF_ORDERS = _newest(_ENTRY.sales_order_id.is_not(None), any_of(_ENTRY.sales_order_id, "ids"))
_NEWEST_STANDING = _newest(_OF_NO_ORDER)


class SqlAudit:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def tenants(self) -> Sequence[str]:
        found = set(self._transaction.execute(_HEAD_TENANTS).scalars())
        # From one to the next by the index: there may be many entries of each.
        tenant_id = self._transaction.execute(_FIRST_TENANT).scalar()
        while tenant_id is not None:
            found.add(tenant_id)
            tenant_id = self._transaction.execute(_NEXT_TENANT, {"after": tenant_id}).scalar()
        return sorted(found)

    def entries(self, tenant_id: str, after: int, limit: int) -> Sequence[StoredEntry]:
        given = {"tenant_id": tenant_id, "after": after, "limit": limit}
        return [_stored(row) for row in self._transaction.execute(_FOLLOWING, given)]

    def latest(
        self,
        tenant_id: str,
        before: int,
        limit: int,
        *,
        after: int = 0,
        types: frozenset[ChangeType] | None = None,
        sales_order_id: int | None = None,
    ) -> Sequence[StoredEntry]:
        statement = _PRECEDING if after == 0 else _PRECEDING.where(_ENTRY.sequence > after)
        if types is not None:
            statement = statement.where(_ENTRY.type.in_(types))
        if sales_order_id is not None:
            statement = statement.where(_ENTRY.sales_order_id == sales_order_id)
        given = {"tenant_id": tenant_id, "before": before, "limit": limit}
        return [_stored(row) for row in self._transaction.execute(statement, given)]

    def purges(self, tenant_id: str) -> Sequence[Purge]:
        return purges_in(self._transaction.execute(_PURGES, {"tenant_id": tenant_id}).scalars())

    def objects_of_orders(
        self, tenant_id: str, after: int, limit: int
    ) -> tuple[Sequence[ComparedObject], int | None]:
        given: dict[str, Any] = {"tenant_id": tenant_id, "after": after, "limit": limit}
        found = {
            order_id
            for statement in (_ORDER_IDS, _LOGGED_ORDER_IDS)
            for order_id in self._transaction.execute(statement, given).scalars()
        }
        ids = sorted(found)[:limit]
        if not ids:
            return [], None
        of_orders = {"tenant_id": tenant_id, "ids": ids}
        values = self._values(_OF_ORDERS, of_orders)
        invoice_ids = [value.id for value, _ in values if isinstance(value, Invoice)]
        values += self._values(_OF_INVOICES, {"ids": invoice_ids})
        return self._with_newest(values, _NEWEST_OF_ORDERS, of_orders), ids[-1]

    def objects_of_no_order(self, tenant_id: str) -> Sequence[ComparedObject]:
        given = {"tenant_id": tenant_id}
        return self._with_newest(self._values(_STANDING, given), _NEWEST_STANDING, given)

    def _values(
        self, wanted: Iterable[tuple[Mapper[Any], Select[Any]]], given: Mapping[str, Any]
    ) -> list[tuple[Any, LogState]]:
        return [
            (value, LogState.CURRENT if mapper.repeated is None else mapper.log_state(row, value))
            for mapper, statement in wanted
            for row in self._transaction.execute(statement, given)
            for value in [mapper.read(row)]
        ]

    def _with_newest(
        self,
        values: Sequence[tuple[Any, LogState]],
        newest: Select[*tuple[Any, ...]],
        given: Mapping[str, Any],
    ) -> Sequence[ComparedObject]:
        entries = map(_stored, self._transaction.execute(newest, given))
        return pair_up(values, entries)

    def checks(self) -> Sequence[LogCheck]:
        return self._transaction.list(_CHECKS, _CHECKS.select)

    def save_check(self, check: LogCheck) -> None:
        self._transaction.execute(_PUT_CHECK, _CHECKS.values(check))


def _stored(row: Row[*tuple[Any, ...]]) -> StoredEntry:
    entry = StoredEntry._make(row)
    occurred_at: Any = entry.occurred_at
    # SQLite has it as text, or as whatever was put there.
    is_time = isinstance(occurred_at, datetime)
    return entry._replace(
        occurred_at=(shown_time(occurred_at) or "") if is_time else f"{occurred_at}Z".replace(" ", "T"),
        signed=decompressed(_bytes(entry.signed)),
        content=None if entry.content is None else decompressed(_bytes(entry.content)),
    )


def _bytes(value: Any) -> bytes:
    """SQLite keeps any type in any column."""
    return value if isinstance(value, bytes) else str(value).encode()

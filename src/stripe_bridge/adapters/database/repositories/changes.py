"""The change log, read, and acts added to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from stripe_bridge.adapters.database.any_of import any_of
from stripe_bridge.adapters.database.change_log import ENTRIES, HEADS, new_log
from stripe_bridge.adapters.database.mapping import table_of
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.changes import ActWindowRow
from stripe_bridge.domain.changes.change import Change, ChangeType
from stripe_bridge.domain.changes.entry import Entry, Head

_HEAD, _ENTRY = HEADS.table.c, ENTRIES.table.c
_HEADS = HEADS.select.where(any_of(_HEAD.tenant_id, "tenant_ids"))
_OF_TENANT = ENTRIES.select.where(_ENTRY.tenant_id == bindparam("tenant_id"))
_BY_SEQUENCE = _OF_TENANT.where(_ENTRY.sequence == bindparam("sequence"))
_FOLLOWING = (
    _OF_TENANT.where(_ENTRY.sequence > bindparam("after"), _ENTRY.sequence <= bindparam("up_to"))
    .order_by(_ENTRY.sequence)
    .limit(bindparam("limit"))
)
_OF_ORDER = _FOLLOWING.where(_ENTRY.sales_order_id == bindparam("sales_order_id"))
_LAST_OF_ORDER = (
    select(_ENTRY.sequence)
    .where(
        _ENTRY.tenant_id == bindparam("tenant_id"),
        _ENTRY.sales_order_id == bindparam("sales_order_id"),
    )
    .order_by(_ENTRY.sequence.desc())
    .limit(1)
)
_RENAME_LOG = (
    update(HEADS.table).where(_HEAD.tenant_id == bindparam("own_tenant_id")).values(log=bindparam("new_log"))
)
_END = 2**63 - 1
_WINDOW = table_of(ActWindowRow).c
_ADD_WINDOW = insert(table_of(ActWindowRow)).on_conflict_do_nothing()
_LOCK_WINDOW = select(_WINDOW.ends_at, _WINDOW.count).where(_WINDOW.key == bindparam("key")).with_for_update()
_SAVE_WINDOW = update(table_of(ActWindowRow)).where(_WINDOW.key == bindparam("own_key"))


class SqlChanges:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def head(self, tenant_id: str) -> Head | None:
        return self.heads([tenant_id]).get(tenant_id)

    def heads(self, tenant_ids: Collection[str]) -> Mapping[str, Head]:
        found = self._transaction.list(HEADS, _HEADS, tenant_ids=list(tenant_ids))
        return {head.tenant_id: head for head in found}

    def all_heads(self) -> Sequence[Head]:
        """Sorted here: a database sorts text by its own locale."""
        return sorted(self._transaction.list(HEADS, HEADS.select), key=lambda head: head.tenant_id)

    def page(
        self,
        tenant_id: str,
        after: int,
        limit: int,
        *,
        up_to: int | None = None,
        types: frozenset[ChangeType] | None = None,
        sales_order_id: int | None = None,
    ) -> Sequence[Entry]:
        given: dict[str, Any] = {"tenant_id": tenant_id, "after": after, "limit": limit}
        given["up_to"] = _END if up_to is None else up_to
        statement = _FOLLOWING
        if sales_order_id is not None:
            statement, given["sales_order_id"] = _OF_ORDER, sales_order_id
        if types is not None:
            statement, given["types"] = (
                statement.where(any_of(_ENTRY.type, "types")),
                sorted(types),
            )
        return self._transaction.list(ENTRIES, statement, **given)

    def find(self, tenant_id: str, sequence: int) -> Entry | None:
        return self._transaction.find(ENTRIES, _BY_SEQUENCE, tenant_id=tenant_id, sequence=sequence)

    def last_of_order(self, tenant_id: str, sales_order_id: int) -> int | None:
        given = {"tenant_id": tenant_id, "sales_order_id": sales_order_id}
        number: int | None = self._transaction.execute(_LAST_OF_ORDER, given).scalar()
        return number

    def begin_log(self, tenant_id: str) -> None:
        head = self._transaction.find(HEADS, _HEADS.with_for_update(), tenant_ids=[tenant_id])
        if head is not None:
            given = {"own_tenant_id": tenant_id, "new_log": new_log(after=head.log)}
            self._transaction.execute(_RENAME_LOG, given)


class SqlActs:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, act: Change) -> None:
        if self._transaction.recorder is not None:
            self._transaction.recorder.changes.append(act)

    def add_at_most_once(self, act: Change, key: str, now: datetime, window: timedelta) -> None:
        ends_at = now + window
        self._transaction.execute(_ADD_WINDOW, {"key": key, "ends_at": now, "count": 0})
        found = self._transaction.execute(_LOCK_WINDOW, {"key": key}).one()
        ends_before, counted = found.ends_at, int(found._mapping["count"])
        is_over = ends_before <= now
        values = {"own_key": key, "ends_at": ends_at if is_over else ends_before}
        self._transaction.execute(_SAVE_WINDOW, {**values, "count": 0 if is_over else counted + 1})
        if is_over:
            self.add(replace(act, details={**act.details, "count": counted + 1}))

    def forget_windows(self, ended_before: datetime) -> int:
        statement = delete(table_of(ActWindowRow)).where(_WINDOW.ends_at < ended_before)
        return self._transaction.execute(statement).rowcount

"""The change log, read, and acts added to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import bindparam

from stripe_bridge.adapters.database.any_of import any_of
from stripe_bridge.adapters.database.change_log import ENTRIES, HEADS
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.domain.changes.change import Change
from stripe_bridge.domain.changes.entry import Entry, Head

_HEAD, _ENTRY = HEADS.table.c, ENTRIES.table.c
_HEADS = HEADS.select.where(any_of(_HEAD.tenant_id, "tenant_ids"))
_OF_TENANT = ENTRIES.select.where(_ENTRY.tenant_id == bindparam("tenant_id"))
_BY_SEQUENCE = _OF_TENANT.where(_ENTRY.sequence == bindparam("sequence"))
_FOLLOWING = (
    _OF_TENANT.where(_ENTRY.sequence > bindparam("after")).order_by(_ENTRY.sequence).limit(bindparam("limit"))
)
_OF_ORDER = _FOLLOWING.where(_ENTRY.sales_order_id == bindparam("sales_order_id"))


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

    def page(self, tenant_id: str, after: int, limit: int) -> Sequence[Entry]:
        return self._transaction.list(ENTRIES, _FOLLOWING, tenant_id=tenant_id, after=after, limit=limit)

    def find(self, tenant_id: str, sequence: int) -> Entry | None:
        return self._transaction.find(ENTRIES, _BY_SEQUENCE, tenant_id=tenant_id, sequence=sequence)

    def of_order(self, tenant_id: str, sales_order_id: int, after: int, limit: int) -> Sequence[Entry]:
        return self._transaction.list(
            ENTRIES, _OF_ORDER, tenant_id=tenant_id, sales_order_id=sales_order_id, after=after, limit=limit
        )


class SqlActs:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, act: Change) -> None:
        if self._transaction.recorder is not None:
            self._transaction.recorder.changes.append(act)

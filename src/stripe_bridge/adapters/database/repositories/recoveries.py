"""What is known of a restore, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, delete, exists, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from stripe_bridge.adapters.database.mapping import Mapper, table_of, upsert
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.intents import IS_UNSETTLED, IntentRow
from stripe_bridge.adapters.database.tables.recovery import (
    IS_HOLD_OPEN,
    RecoveryHoldRow,
    SigningKeyRow,
    UnresolvedInvoiceRow,
)
from stripe_bridge.domain.recovery import EVERYONE, HighestIds, RecoveryHold, SigningKey, UnresolvedInvoice

_HOLDS = Mapper(RecoveryHold, RecoveryHoldRow)
_HOLD = _HOLDS.table.c
_HOLDS_OF = _HOLDS.select.where(_HOLD.tenant_id.in_([EVERYONE, bindparam("tenant_id")]))
_OPEN_HOLDS = _HOLDS.select.where(IS_HOLD_OPEN)
_INSERT_HOLD = insert(_HOLDS.table)
# One that was released is held anew.
_ADD_HOLD = _INSERT_HOLD.on_conflict_do_update(
    index_elements=list(_HOLDS.table.primary_key),
    set_={name: _INSERT_HOLD.excluded[name] for name in ("held_at", "stripe_invoice_id", "released_at")},
    where=_HOLD.released_at.is_not(None),
).returning(_HOLD.tenant_id)
_RELEASE = _INSERT_HOLD.on_conflict_do_update(
    index_elements=list(_HOLDS.table.primary_key),
    set_={"released_at": _INSERT_HOLD.excluded.released_at},
)

_INTENTS = table_of(IntentRow)
_INTENT = _INTENTS.c
# Whoever has one locked is carrying it out.
_ONLY_PLANNED = select(_INTENT.id).where(IS_UNSETTLED, _INTENT.first_sent_at.is_(None))

_UNRESOLVED = Mapper(UnresolvedInvoice, UnresolvedInvoiceRow)
_INVOICE = _UNRESOLVED.table.c
_PUT_UNRESOLVED = upsert(_UNRESOLVED.table)
_MAY_BLOCK = select(
    or_(
        _HOLDS_OF.where(IS_HOLD_OPEN).exists(),
        exists().where(
            _INVOICE.tenant_id == bindparam("tenant_id"),
            _INVOICE.sales_order_id == bindparam("sales_order_id"),
        ),
    )
)
_THIS_INVOICE = (
    _INVOICE.account_id == bindparam("account_id"),
    _INVOICE.stripe_invoice_id == bindparam("stripe_invoice_id"),
)

_KEYS = Mapper(SigningKey, SigningKeyRow)
_NOTE_KEY = insert(_KEYS.table).on_conflict_do_nothing()

# Whose ids callers hold.
_TABLES = {"integration": "integrations", "invoice": "invoices", "refund": "refunds"}
_GIVEN_ON_SQLITE = text("SELECT seq FROM sqlite_sequence WHERE name = :table")
_RAISE_ON_SQLITE = text("UPDATE sqlite_sequence SET seq = :to WHERE name = :table")
_START_ON_SQLITE = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :to)")
_SEQUENCE = "CAST(pg_get_serial_sequence(:table, 'id') AS regclass)"
_GIVEN_ON_POSTGRESQL = text(f"SELECT pg_sequence_last_value({_SEQUENCE})")
_RAISE_ON_POSTGRESQL = text(f"SELECT setval({_SEQUENCE}, greatest(:to, nextval({_SEQUENCE})))")


class SqlRecoveries:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def holds_of(self, tenant_id: str) -> Sequence[RecoveryHold]:
        return self._transaction.list(_HOLDS, _HOLDS_OF, tenant_id=tenant_id)

    def may_block(self, tenant_id: str, sales_order_id: int) -> bool:
        given = {"tenant_id": tenant_id, "sales_order_id": sales_order_id}
        return bool(self._transaction.execute(_MAY_BLOCK, given).scalar_one())

    def open_holds(self) -> Sequence[RecoveryHold]:
        """Sorted here: a database sorts text by its own locale."""
        found = self._transaction.list(_HOLDS, _OPEN_HOLDS)
        return sorted(found, key=lambda hold: (hold.tenant_id, hold.account_id))

    def hold(self, hold: RecoveryHold) -> bool:
        return self._transaction.execute(_ADD_HOLD, _HOLDS.values(hold)).first() is not None

    def release(self, tenant_id: str, account_id: str, now: datetime) -> None:
        reconciled = RecoveryHold(tenant_id=tenant_id, account_id=account_id, held_at=now, released_at=now)
        self._transaction.execute(_RELEASE, _HOLDS.values(reconciled))

    def doubt_intents(self, tenant_id: str) -> None:
        planned = _ONLY_PLANNED
        if tenant_id != EVERYONE:
            planned = planned.where(_INTENT.tenant_id == tenant_id)
        self._transaction.execute(
            update(_INTENTS)
            .where(_INTENT.id.in_(planned.with_for_update(skip_locked=True)))
            .values(first_sent_at=_INTENT.created_at)
        )

    def raise_ids(self, seen: HighestIds, margin: int) -> None:
        for name, table in _TABLES.items():
            to = max(getattr(seen, name), self._given(table)) + margin
            if not self._transaction.is_sqlite:
                self._transaction.execute(_RAISE_ON_POSTGRESQL, {"table": table, "to": to})
            elif not self._transaction.execute(_RAISE_ON_SQLITE, {"table": table, "to": to}).rowcount:
                self._transaction.execute(_START_ON_SQLITE, {"table": table, "to": to})

    def given_ids(self) -> HighestIds:
        return HighestIds(**{name: self._given(table) for name, table in _TABLES.items()})

    def add_unresolved(self, unresolved: UnresolvedInvoice) -> None:
        self._transaction.execute(_PUT_UNRESOLVED, _UNRESOLVED.values(unresolved))

    def resolve(self, account_id: str, stripe_invoice_id: str) -> None:
        one = {"account_id": account_id, "stripe_invoice_id": stripe_invoice_id}
        self._transaction.execute(delete(_UNRESOLVED.table).where(*_THIS_INVOICE), one)

    def is_unresolved(self, account_id: str, stripe_invoice_id: str) -> bool:
        one = {"account_id": account_id, "stripe_invoice_id": stripe_invoice_id}
        return (
            self._transaction.find(_UNRESOLVED, _UNRESOLVED.select.where(*_THIS_INVOICE), **one) is not None
        )

    def unresolved_of_order(self, tenant_id: str, sales_order_id: int) -> Sequence[UnresolvedInvoice]:
        return self._unresolved(_INVOICE.tenant_id == tenant_id, _INVOICE.sales_order_id == sales_order_id)

    def unresolved_in_account(self, account_id: str) -> Sequence[UnresolvedInvoice]:
        return self._unresolved(_INVOICE.account_id == account_id)

    def all_unresolved(self) -> Sequence[UnresolvedInvoice]:
        return self._unresolved()

    def note_key(self, key: SigningKey) -> None:
        self._transaction.execute(_NOTE_KEY, _KEYS.values(key))

    def signing_keys(self) -> Sequence[SigningKey]:
        return self._transaction.list(_KEYS, _KEYS.select.order_by(_KEYS.table.c.fingerprint))

    def _given(self, table: str) -> int:
        statement = _GIVEN_ON_SQLITE if self._transaction.is_sqlite else _GIVEN_ON_POSTGRESQL
        return int(self._transaction.execute(statement, {"table": table}).scalar() or 0)

    def _unresolved(self, *conditions: ColumnElement[bool]) -> Sequence[UnresolvedInvoice]:
        """Sorted here: a database sorts text by its own locale."""
        found = self._transaction.list(_UNRESOLVED, _UNRESOLVED.select.where(*conditions))
        return sorted(found, key=lambda each: (each.tenant_id, each.sales_order_id, each.stripe_invoice_id))

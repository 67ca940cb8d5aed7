"""Recording what was there before the change log: walks each table by its key, and records what the log does not have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from stripe_bridge.adapters.database.change_log import HEADS
from stripe_bridge.adapters.database.existing_kinds import EXISTING_KINDS
from stripe_bridge.adapters.database.identity_map import LOCK_ORDERS
from stripe_bridge.adapters.database.mapping import LOGGED, Mapper, table_of
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.changes import ChangeBackfillRow
from stripe_bridge.domain.changes.change import SubjectType
from stripe_bridge.domain.changes.recorder import LogState
from stripe_bridge.ports.storage.changes import Backfill

# The pass that follows the first one that found nothing, and all after it.
_NEXT_PASS, _LATER_PASS = timedelta(minutes=10), timedelta(days=1)
_STATE = table_of(ChangeBackfillRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    """A row of the table, as a value."""

    subject_type: SubjectType
    cursor: list[Any] | None
    pass_number: int
    found_in_pass: int
    recorded: int
    next_at: datetime
    completed_at: datetime | None

    def moved_on(self, key: Sequence[Any] | None, found: int, now: datetime) -> _Pass:
        """After a batch: further on in the same pass or, without a key, at the end of it."""
        moved = replace(self, found_in_pass=self.found_in_pass + found, recorded=self.recorded + found)
        if key is not None:
            return replace(moved, cursor=list(key))
        moved = replace(moved, cursor=None, pass_number=self.pass_number + 1, found_in_pass=0)
        if self.found_in_pass + found:
            return replace(moved, next_at=now)
        pause = _NEXT_PASS if self.completed_at is None else _LATER_PASS
        return replace(moved, next_at=now + pause, completed_at=self.completed_at or now)


_PASSES = Mapper(_Pass, ChangeBackfillRow)


class SqlExistingObjects:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def is_due(self, now: datetime) -> bool:
        passes = self._passes()
        return len(passes) < len(EXISTING_KINDS) or any(each.next_at <= now for each in passes)

    def record(self, now: datetime, limit: int) -> int:
        self._transaction.execute_many(_ADD_STATE, [_first(type_, now) for type_ in EXISTING_KINDS])
        first = next((each for each in self._passes() if each.next_at <= now), None)
        due = None if first is None else self._transaction.find(_PASSES, _LOCK, of=first.subject_type)
        if due is None or due != first:
            return 0
        mapper = EXISTING_KINDS[due.subject_type]
        keys = self._keys(mapper, due.cursor, limit)
        found = self._record(mapper, [key for key, is_logged in keys if not is_logged])
        moved = due.moved_on(keys[-1][0] if len(keys) == limit else None, found, now)
        where = _STATE.c.subject_type == due.subject_type
        self._transaction.execute(update(_STATE).where(where).values(_PASSES.values(moved)))
        if moved.completed_at is not None and self.progress().is_complete:
            self._transaction.execute(update(HEADS.table).where(~_COMPLETE).values(is_complete=True))
        # At least one, even of an empty table: there may be others.
        return max(len(keys), 1)

    def progress(self) -> Backfill:
        passes = self._passes()
        is_complete = len(passes) == len(EXISTING_KINDS) and all(each.completed_at for each in passes)
        return Backfill(is_complete=is_complete, recorded=sum(each.recorded for each in passes))

    def _passes(self) -> list[_Pass]:
        """In the order in which they are made."""
        order = list(EXISTING_KINDS)
        found = self._transaction.list(_PASSES, _PASSES.select)
        return sorted(found, key=lambda each: order.index(each.subject_type))

    def _keys(
        self, mapper: Mapper[Any], cursor: list[Any] | None, limit: int
    ) -> list[tuple[tuple[Any, ...], bool]]:
        """The keys that follow the cursor, each with whether the log has the row as it is."""
        key, table = _key_of(mapper), mapper.table
        logged, current = table.c[f"{LOGGED}{mapper.repeated}"], table.c[str(mapper.repeated)]
        statement = select(*key, and_(logged.is_not(None), logged == current)).order_by(*key).limit(limit)
        if cursor is not None:
            statement = statement.where(tuple_(*key) > tuple_(*cursor))
        return [(tuple(row[:-1]), bool(row[-1])) for row in self._transaction.execute(statement)]

    def _record(self, mapper: Mapper[Any], keys: Sequence[tuple[Any, ...]]) -> int:
        """Under the locks that every change takes: orders first, always in the same order."""
        recorder, found = self._transaction.recorder, 0
        if not keys or recorder is None:
            return 0
        self._lock_orders(mapper, keys)
        key = _key_of(mapper)
        statement = mapper.select.where(tuple_(*key).in_(keys)).order_by(*key)
        rows: Sequence[Row[Any]] = self._transaction.execute(statement.with_for_update(key_share=True)).all()
        for row in rows:
            value = mapper.read(row)
            state = mapper.log_state(row, value)
            if state is not LogState.CURRENT:
                recorder.catch_up(value, state)
                found += 1
        table = mapper.table
        mark = update(table).where(tuple_(*key).in_(keys))
        self._transaction.execute(mark.values({f"{LOGGED}{mapper.repeated}": table.c[str(mapper.repeated)]}))
        return found

    def _lock_orders(self, mapper: Mapper[Any], keys: Sequence[tuple[Any, ...]]) -> None:
        if mapper is EXISTING_KINDS[SubjectType.INVOICE]:
            ids = [key[0] for key in keys]
        elif "invoice_id" in mapper.table.c:
            of = select(mapper.table.c.invoice_id).where(tuple_(*_key_of(mapper)).in_(keys))
            ids = sorted(set(self._transaction.execute(of).scalars()))
        else:
            return
        self._transaction.execute(LOCK_ORDERS, {"ids": ids}).all()


def _key_of(mapper: Mapper[Any]) -> list[ColumnElement[Any]]:
    return list(mapper.table.primary_key)


def _first(subject_type: SubjectType, now: datetime) -> dict[str, Any]:
    return _PASSES.values(
        _Pass(
            subject_type=subject_type,
            cursor=None,
            pass_number=1,
            found_in_pass=0,
            recorded=0,
            next_at=now,
            completed_at=None,
        )
    )


_ADD_STATE = insert(_STATE).on_conflict_do_nothing()
_LOCK = _PASSES.select.where(_STATE.c.subject_type == bindparam("of")).with_for_update(skip_locked=True)
_COMPLETE = HEADS.table.c.is_complete

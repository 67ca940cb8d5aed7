"""Idempotent requests, stored."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from stripe_bridge.adapters.database.mapping import table_of
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.idempotency import IdempotentRequestRow
from stripe_bridge.domain.idempotency import IdempotentRequest, RequestScope, StoredResponse

_TABLE = table_of(IdempotentRequestRow)
_COLUMN = _TABLE.c
_SCOPE: ColumnElement[bool] = and_(
    *(column == bindparam(f"own_{column.name}") for column in _TABLE.primary_key)
)
_ADD = insert(_TABLE).on_conflict_do_nothing().returning(_COLUMN.key)
_FIND = select(_TABLE).where(_SCOPE).with_for_update()
_SAVE = update(_TABLE).where(_SCOPE)
_REMOVE = delete(_TABLE).where(_SCOPE)


class SqlIdempotentRequests:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, request: IdempotentRequest) -> bool:
        return self._transaction.execute(_ADD, _values(request)).first() is not None

    def find(self, scope: RequestScope) -> IdempotentRequest | None:
        row = self._transaction.execute(_FIND, _own(scope)).first()
        return None if row is None else _read(row)

    def save(self, request: IdempotentRequest) -> None:
        self._transaction.execute(_SAVE, _values(request) | _own(request.scope))

    def remove(self, scope: RequestScope) -> None:
        self._transaction.execute(_REMOVE, _own(scope))

    def remove_older_than(self, moment: datetime) -> int:
        statement = delete(_TABLE).where(_COLUMN.created_at <= moment)
        return self._transaction.execute(statement).rowcount


def _own(scope: RequestScope) -> dict[str, Any]:
    return {f"own_{name}": value for name, value in asdict(scope).items()}


def _values(request: IdempotentRequest) -> dict[str, Any]:
    answer = request.answer
    return asdict(request.scope) | {
        "body_hash": request.body_hash,
        "created_at": request.created_at,
        "leased_until": request.leased_until,
        "status": None if answer is None else answer.status,
        "content_type": None if answer is None else answer.content_type,
        "body": None if answer is None else answer.body,
    }


def _read(row: Row[Any]) -> IdempotentRequest:
    kept = row.status is not None
    return IdempotentRequest(
        scope=RequestScope(token_id=row.token_id, method=row.method, path=row.path, key=row.key),
        body_hash=row.body_hash,
        created_at=row.created_at,
        leased_until=row.leased_until,
        answer=StoredResponse(status=row.status, content_type=row.content_type, body=row.body)
        if kept
        else None,
    )

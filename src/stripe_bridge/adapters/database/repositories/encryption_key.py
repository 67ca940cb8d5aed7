"""The fingerprint of the key in use, stored."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from stripe_bridge.adapters.database.mapping import table_of, upsert
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.encryption_key import KeyInUseRow

_TABLE = table_of(KeyInUseRow)
_FIND = select(_TABLE.c.fingerprint)
_SAVE = upsert(_TABLE)


class SqlKeyInUse:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def find(self) -> str | None:
        found: str | None = self._transaction.execute(_FIND).scalar()
        return found

    def save(self, fingerprint: str, since: datetime) -> None:
        self._transaction.execute(_SAVE, {"id": 1, "fingerprint": fingerprint, "since": since})

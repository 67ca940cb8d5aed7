"""Checking whether a commit reaches the disk, to detect full disks and databases that became read-only."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from stripe_bridge.adapters.database.engine import short_lock_timeout
from stripe_bridge.adapters.database.mapping import table_of, upsert
from stripe_bridge.adapters.database.outages import SqliteCode, sqlite_code
from stripe_bridge.adapters.database.statements import translate_driver_errors
from stripe_bridge.adapters.database.tables.inbox import ProbeRow

# In seconds, however often it is asked for.
PROBE_INTERVAL = 5.0
_WRITE = upsert(table_of(ProbeRow))


class WriteProbe:
    """Writes at most every few seconds, as long as that works."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._good_until = 0.0

    def check(self) -> None:
        """Raises StoreUnavailable. That others hold locks is no fault: others are writing, then."""
        if time.monotonic() < self._good_until:
            return
        with translate_driver_errors():
            try:
                with short_lock_timeout(self._engine) as connection:
                    connection.execute(_WRITE, {"id": 1, "written_at": datetime.now(UTC)})
                    connection.commit()
            except DBAPIError as error:
                if not _is_locked(error.orig):
                    raise
        self._good_until = time.monotonic() + PROBE_INTERVAL


def _is_locked(error: Any) -> bool:
    return sqlite_code(error) == SqliteCode.BUSY or isinstance(error, psycopg.errors.LockNotAvailable)

"""Checking whether a commit reaches the disk, to detect full disks and databases that became read-only."""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime
from typing import Any

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from stripe_bridge.adapters.database.engine import hurrying
from stripe_bridge.adapters.database.mapping import putting, table_of
from stripe_bridge.adapters.database.statements import telling_unavailable
from stripe_bridge.adapters.database.tables.inbox import ProbeRow

# In seconds, however often somebody asks.
_AGAIN_AFTER = 5.0
_WRITE = putting(table_of(ProbeRow))


class Probe:
    """Writes at most every few seconds, as long as that works."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._good_until = 0.0

    def check(self) -> None:
        """Raises StoreUnavailable. That others hold locks is no fault: it means that somebody else is writing."""
        if time.monotonic() < self._good_until:
            return
        with telling_unavailable():
            try:
                with hurrying(self._engine) as connection:
                    connection.execute(_WRITE, {"id": 1, "written_at": datetime.now(UTC)})
                    connection.commit()
            except DBAPIError as error:
                if not _is_locked(error.orig):
                    raise
        self._good_until = time.monotonic() + _AGAIN_AFTER


def _is_locked(error: Any) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    return isinstance(error, psycopg.errors.LockNotAvailable)

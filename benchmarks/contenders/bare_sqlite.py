"""The limit of SQLite: one process that inserts the same row over and over, with a commit for each."""

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load.wrk import Played

_TABLE = """
CREATE TABLE stored (
    id INTEGER PRIMARY KEY, stripe_event_id TEXT NOT NULL, event_type TEXT NOT NULL, account_id TEXT NOT NULL,
    livemode BOOLEAN NOT NULL, related_object_id TEXT, event_created_at DATETIME NOT NULL, created_at DATETIME NOT NULL,
    due_at DATETIME NOT NULL, status TEXT NOT NULL, attempts BIGINT NOT NULL, payload BLOB NOT NULL
)
"""
_INSERT = """
INSERT INTO stored (stripe_event_id, event_type, account_id, livemode, related_object_id, event_created_at, created_at,
    due_at, status, attempts, payload)
VALUES (?, 'invoice.paid', 'acct_1PgcXgCDqYH0vNsD', 0, ?, ?, ?, ?, 'received', 0, ?)
"""
_NOW = "2026-11-01 00:00:00.000000"


@dataclass
class BareSqlite:
    """With our service's settings: WAL, and `synchronous` FULL."""

    path: Path
    payload: bytes

    def play(self, seconds: float) -> Played:
        connection = sqlite3.connect(self.path, isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            connection.execute(f"PRAGMA {pragma}").close()
        connection.execute(_TABLE.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"))
        latencies: list[float] = []
        begun = last = time.perf_counter()
        while last - begun < seconds:
            number = len(latencies)
            connection.execute(_INSERT, (f"evt_{number}", f"in_{number}", _NOW, _NOW, _NOW, self.payload))
            now = time.perf_counter()
            latencies.append((now - last) * 1000)
            last = now
        connection.close()
        return Played(acknowledged=len(latencies), seconds=last - begun, latencies=tuple(latencies))

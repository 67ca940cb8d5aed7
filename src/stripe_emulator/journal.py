"""The objects on disk, so that the stand-alone emulator keeps its state across restarts."""

import json
import pathlib
import sqlite3
from collections.abc import Iterable, Iterator

from stripe_emulator.store import Record

SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, account TEXT NOT NULL,
    body TEXT NOT NULL, hidden TEXT NOT NULL
)
"""


class Journal:
    """A SQLite file with one row per record.

    It survives a killed process, but not a power cut: nothing is synced, because a sync per call would
    cost more than everything else together.
    """

    def __init__(self, path: pathlib.Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute(SCHEMA)

    def load(self) -> Iterator[Record]:
        """Every record, oldest first."""
        rows = self._connection.execute(
            "SELECT seq, kind, id, account, body, hidden FROM records ORDER BY seq"
        )
        for seq, kind, name, account, body, hidden in rows:
            yield Record(seq, kind, name, account, json.loads(body), json.loads(hidden))

    def write(self, changed: Iterable[Record], removed: Iterable[Record]) -> None:
        """Store the outcome of a transaction."""
        rows = [(r.seq, r.kind, r.id, r.account, json.dumps(r.body), json.dumps(r.hidden)) for r in changed]
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?)", rows)
        self._connection.executemany("DELETE FROM records WHERE seq = ?", [(r.seq,) for r in removed])
        self._connection.execute("COMMIT")

    def clear(self) -> None:
        """Remove everything."""
        self._connection.execute("DELETE FROM records")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

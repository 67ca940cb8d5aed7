"""What an ERP holds of the changes: each of them once, and where it goes on. In SQLite, for example.

Pages are pushed to receive.py, or pulled by pull.py. Either way they end in `Changes.take`, which applies a page and moves the
cursor in one transaction: after a crash, it has happened as a whole or not at all.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_TABLES = """
CREATE TABLE IF NOT EXISTS cursor (one INTEGER PRIMARY KEY CHECK (one = 1), log TEXT, after INTEGER, hash TEXT);
CREATE TABLE IF NOT EXISTS changes (sequence INTEGER PRIMARY KEY, hash TEXT, entry TEXT);
CREATE TABLE IF NOT EXISTS objects (type TEXT, id TEXT, sequence INTEGER, object TEXT, PRIMARY KEY (type, id));
CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, sequence INTEGER, outstanding_in_cents INTEGER,
                                   settled_in_cents INTEGER, overpaid_in_cents INTEGER);
"""


class HistoryChanged(Exception):
    """The sender's log is not the one that we know: its database was restored from a backup, or altered."""


class PageMissing(Exception):
    """The page does not follow what we hold, which ends earlier: it is our own database that was restored."""


@dataclass(frozen=True)
class Cursor:
    """The last change that we hold. Without a log, we hold nothing yet; without a hash, it is not known to us."""

    log: str | None = None
    after: int = 0
    hash: str | None = None


class Changes:
    """Can be used by threads and processes at once: SQLite has one of them write at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with closing(self._connect()) as db:
            db.executescript(_TABLES)

    def cursor(self) -> Cursor:
        with closing(self._connect()) as db:
            return _cursor(db)

    def take(self, page: Json) -> list[Json]:
        """Returns the changes that are new to us. Raises HistoryChanged, PageMissing; then nothing was changed."""
        with self._transaction() as db:
            cursor = _cursor(db)
            _check(db, page, cursor)
            new = [entry for entry in page["data"] if _is_new(db, entry)]
            for entry in new:
                row = (entry["sequence"], entry["hash"], json.dumps(entry))
                db.execute("INSERT INTO changes VALUES (?, ?, ?)", row)
                apply(db, entry)
            _move(db, page, cursor)
        return new

    def restart(self, log: str | None, after: int, objects: Iterable[tuple[str, Any, Json]]) -> None:
        """Go on after this change, with these objects instead of all that we had: the type and id of each, and itself."""
        with self._transaction() as db:
            db.execute("DELETE FROM changes")
            db.execute("DELETE FROM objects")
            db.execute("DELETE FROM orders")
            for type_, id_, object_ in objects:
                _store(db, type_, id_, after, object_)
            db.execute("INSERT OR REPLACE INTO cursor VALUES (1, ?, ?, NULL)", (log, after))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with closing(self._connect()) as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        # Python begins no transactions by itself.
        db = sqlite3.connect(self._path, isolation_level=None, timeout=30)
        db.execute("PRAGMA journal_mode = WAL")
        # Whatever was acknowledged outlives a power cut.
        db.execute("PRAGMA synchronous = FULL")
        return db


def apply(db: sqlite3.Connection, change: Json) -> None:
    """Your part: what the ERP does with a change, in this transaction and nowhere else.

    Here it has the newest state of each object, and what each order owes. Changes of a type that is not known do no harm.
    """
    subject, object_ = change.get("subject"), change.get("object")
    if subject is None or (object_ is None and not change.get("gone")):
        return
    # What is gone never came to be: a send that was undone, say.
    _store(db, subject["type"], subject["id"], change["sequence"], None if change.get("gone") else object_)
    if (owed := change.get("sales_order")) is not None:
        db.execute(
            "INSERT INTO orders VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, "
            "outstanding_in_cents = excluded.outstanding_in_cents, settled_in_cents = excluded.settled_in_cents, "
            "overpaid_in_cents = excluded.overpaid_in_cents WHERE excluded.sequence > orders.sequence",
            (
                change["sales_order_id"],
                change["sequence"],
                owed["outstanding_in_cents"],
                owed["settled_in_cents"],
                owed["overpaid_in_cents"],
            ),
        )


def _store(db: sqlite3.Connection, type_: str, id_: Any, sequence: int, object_: Json | None) -> None:
    """Unless we have a newer state of it."""
    db.execute(
        "INSERT INTO objects VALUES (?, ?, ?, ?) ON CONFLICT (type, id) DO UPDATE SET sequence = excluded.sequence, "
        "object = excluded.object WHERE excluded.sequence > objects.sequence",
        (type_, str(id_), sequence, None if object_ is None else json.dumps(object_)),
    )


def _check(db: sqlite3.Connection, page: Json, cursor: Cursor) -> None:
    """The page has to follow what we hold, or to repeat it."""
    if cursor.log is None:
        return
    if page["log"] != cursor.log:
        raise HistoryChanged(f"we hold log {cursor.log}, not {page['log']}")
    if page["after"] > cursor.after:
        raise PageMissing(f"we hold the changes up to {cursor.after} only: resume after {cursor.after}")
    held = cursor.hash if page["after"] == cursor.after else _hash_of(db, page["after"])
    if held not in (None, page["after_hash"]):
        raise HistoryChanged(f"we hold another change {page['after']}")


def _is_new(db: sqlite3.Connection, entry: Json) -> bool:
    held = _hash_of(db, entry["sequence"])
    if held not in (None, entry["hash"]):
        raise HistoryChanged(f"we hold another change {entry['sequence']}")
    return held is None


def _hash_of(db: sqlite3.Connection, sequence: int) -> str | None:
    row = db.execute("SELECT hash FROM changes WHERE sequence = ?", (sequence,)).fetchone()
    return None if row is None else str(row[0])


def _cursor(db: sqlite3.Connection) -> Cursor:
    row = db.execute("SELECT log, after, hash FROM cursor").fetchone()
    return Cursor() if row is None else Cursor(*row)


def _move(db: sqlite3.Connection, page: Json, cursor: Cursor) -> None:
    """To the last change of the page; never back."""
    last = page["data"][-1] if page["data"] else {"sequence": page["after"], "hash": page["after_hash"]}
    if cursor.log is None or last["sequence"] >= cursor.after:
        row = (page["log"], last["sequence"], last["hash"])
        db.execute("INSERT OR REPLACE INTO cursor VALUES (1, ?, ?, ?)", row)

"""Why a database cannot be used, and what an operator can do about it, by what its driver reports."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Any

from sqlalchemy.exc import TimeoutError as PoolTimeout

from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable


class SqliteCode(IntEnum):
    """The first byte of SQLite's codes, of which its driver has the same. Beside PostgreSQL nothing loads that driver."""

    BUSY = 5
    READONLY = 8
    IOERR = 10
    CORRUPT = 11
    FULL = 13
    CANTOPEN = 14
    NOTADB = 26


NO_SCHEMA = "The database has no schema yet. Create it with: stripe-bridge db upgrade"
_OLD_SCHEMA = (
    "The database's schema is missing or older than this release. Upgrade it with: stripe-bridge db upgrade"
)
_NO_ACCESS = (
    "The database refuses access. Check the user and the password in DATABASE_URL, and the user's privileges."
)
_NO_DATABASE = (
    "The database that DATABASE_URL names does not exist. Create it, then run: stripe-bridge db upgrade"
)
_NO_SERVER = (
    "The database server cannot be reached. Check that it is running, and the host and port in DATABASE_URL."
)
_NO_WRITES = "The database is read-only. Check whether it is a standby, and the permissions of its file."
_DISK_FULL = "The database's disk is full. Free some space."
_DISK_FAILED = "The database file cannot be read or written. Check its disk: free space, and errors."
_DAMAGED = "The database is damaged, or is not a database. Restore a backup."
_BUSY = "The database is locked by another program, or too busy to answer in time. See its own logs."
_NO_FILE = "The database file cannot be opened. Check the path in DATABASE_URL, and the folder's permissions."
_POOL_USED_UP = "All of this process's database connections are in use. Consider a higher DATABASE_POOL_SIZE."
_UNKNOWN = "The database is unavailable. See its own logs."

# PostgreSQL's codes, and SQLite's.
_BY_CODE: dict[str | int, str] = {
    "25006": _NO_WRITES,
    "0A000": _NO_WRITES,
    "42P01": _OLD_SCHEMA,
    "42703": _OLD_SCHEMA,
    "42501": _NO_ACCESS,
    "53100": _DISK_FULL,
    "55P03": _BUSY,
    "57014": _BUSY,
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
    SqliteCode.BUSY: _BUSY,
    SqliteCode.READONLY: _NO_WRITES,
    SqliteCode.IOERR: _DISK_FAILED,
    SqliteCode.CORRUPT: _DAMAGED,
    SqliteCode.FULL: _DISK_FULL,
    SqliteCode.CANTOPEN: _NO_FILE,
    SqliteCode.NOTADB: _DAMAGED,
}
# A connection that fails has no code, and neither has a missing table of SQLite.
_BY_TEXT = (
    (re.compile(r"no such (table|column)|has no column named"), _OLD_SCHEMA),
    (re.compile(r'database ".*" does not exist'), _NO_DATABASE),
    (re.compile(r'role ".*" does not exist|authentication failed|no password supplied|pg_hba'), _NO_ACCESS),
    (
        re.compile(r"connection( to server)?( at)? .*failed|connection failed|could not|timeout expired"),
        _NO_SERVER,
    ),
)


def sqlite_code(error: BaseException) -> int:
    """Without the upper bits, which say more than is needed here. 0 for errors of others."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def outage(error: Exception) -> StoreUnavailable:
    """Our error for the driver's."""
    if isinstance(error, PoolTimeout):
        return StoreUnavailable(_POOL_USED_UP)
    driver: Any = getattr(error, "orig", None) or error
    # Only its first line: what follows, and what SQLAlchemy adds, may contain values.
    detail = str(driver).partition("\n")[0]
    code = getattr(driver, "sqlstate", None) or sqlite_code(driver)
    by_text = (reason for pattern, reason in _BY_TEXT if pattern.search(detail))
    return StoreUnavailable(_BY_CODE.get(code) or next(by_text, _UNKNOWN), detail)


def old_schema(current: str, needed: str | None) -> StoreUnavailable:
    return StoreUnavailable(
        f"The database's schema is at {current}, and this release needs {needed}. "
        "Upgrade it with: stripe-bridge db upgrade"
    )

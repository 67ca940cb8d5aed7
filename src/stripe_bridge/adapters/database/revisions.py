"""Which revision of the schema a database has, and which ones this code knows: without Alembic, which only migrating needs."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from sqlalchemy import Connection, column, inspect, select, table

_ALEMBIC_VERSION = table("alembic_version", column("version_num"))


def current_revision(connection: Connection) -> str | None:
    """None if there is no schema."""
    if not inspect(connection).has_table(_ALEMBIC_VERSION.name):
        return None
    revision: str | None = connection.scalar(select(_ALEMBIC_VERSION.c.version_num))
    return revision


@cache
def known_revisions() -> frozenset[str]:
    """Each migration's file begins with its revision."""
    versions = files("stripe_bridge.adapters.database.migrations") / "versions"
    names = (each.name for each in versions.iterdir() if each.name.endswith(".py"))
    return frozenset(name.partition("_")[0] for name in names)


def newest_revision() -> str:
    return max(known_revisions())

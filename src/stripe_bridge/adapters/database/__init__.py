"""The store on SQLite or PostgreSQL, by SQLAlchemy."""

from stripe_bridge.adapters.database.engine import create_engine
from stripe_bridge.adapters.database.ingest.group_commit import GroupCommit
from stripe_bridge.adapters.database.migrations_runner import Schema, migrate
from stripe_bridge.adapters.database.unit_of_work import SqlStore

__all__ = ["GroupCommit", "Schema", "SqlStore", "create_engine", "migrate"]

"""The store on SQLite or PostgreSQL, by SQLAlchemy. What migrates it, by Alembic, is in `migrations_runner`."""

from stripe_bridge.adapters.database.engine import create_engine
from stripe_bridge.adapters.database.ingest.group_commit import GroupCommit
from stripe_bridge.adapters.database.unit_of_work import SqlStore

__all__ = ["GroupCommit", "SqlStore", "create_engine"]

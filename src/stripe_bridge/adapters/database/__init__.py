"""The store on SQLite or PostgreSQL, by SQLAlchemy."""

from stripe_bridge.adapters.database.engine import create_engine
from stripe_bridge.adapters.database.intake import SqlIntake
from stripe_bridge.adapters.database.migrating import migrate
from stripe_bridge.adapters.database.schema import Schema
from stripe_bridge.adapters.database.unit_of_work import SqlStore

__all__ = ["Schema", "SqlIntake", "SqlStore", "create_engine", "migrate"]

"""The schema of one database, for those who operate it."""

from __future__ import annotations

from stripe_bridge.adapters.database.engine import create_engine
from stripe_bridge.adapters.database.migrating import current_revision, migrate, newest_revision
from stripe_bridge.adapters.database.transaction import telling_unavailable


class Schema:
    """Each raises StoreUnavailable when the database does not answer."""

    def __init__(self, url: str) -> None:
        self._url = url

    def migrate(self) -> None:
        """Bring it to what this code needs, all or nothing. Raises SchemaUnknown."""
        with telling_unavailable():
            migrate(self._url)

    def current_revision(self) -> str | None:
        """None if there is none yet."""
        engine = create_engine(self._url)
        try:
            with telling_unavailable(), engine.connect() as connection:
                return current_revision(connection)
        finally:
            engine.dispose()

    def newest_revision(self) -> str | None:
        return newest_revision()

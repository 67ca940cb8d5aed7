"""The servers of one test run: given by the environment, or started once and shared by its processes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.servers.databases import drop_all
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer


@dataclass
class SharedServers:
    """Starts each server when it is first asked for; `close` stops what was started."""

    run: str
    postgres: str | None = field(default_factory=lambda: os.environ.get("TEST_DATABASE_URL"))
    redis: str | None = field(default_factory=lambda: os.environ.get("TEST_REDIS_URL"))
    _postgres_server: PostgresServer | None = None
    _redis_server: RedisServer | None = None

    @classmethod
    def from_addresses(cls, addresses: Mapping[str, str]) -> "SharedServers":
        """The servers that another process has started, by its `addresses`."""
        return cls(run=addresses["run"], postgres=addresses["postgres"], redis=addresses["redis"])

    def addresses(self) -> dict[str, str]:
        """Start all, and say where they are."""
        return {"run": self.run, "postgres": self.postgres_url(), "redis": self.redis_url()}

    def postgres_url(self) -> str:
        """Where PostgreSQL is, as an administrator."""
        if self.postgres is None:
            self._postgres_server = PostgresServer()
            self._postgres_server.start()
            self.postgres = self._postgres_server.url()
        return self.postgres

    def redis_url(self) -> str:
        """Where Redis is, without a database's number unless the environment gave one."""
        if self.redis is None:
            self._redis_server = RedisServer()
            self._redis_server.start()
            self.redis = self._redis_server.url()
        return self.redis

    def close(self) -> None:
        """Stop what was started; on a PostgreSQL that was given, remove this run's databases."""
        if self._postgres_server:
            self._postgres_server.close()
        elif self.postgres:
            drop_all(self.postgres, run=self.run)
        if self._redis_server:
            self._redis_server.close()

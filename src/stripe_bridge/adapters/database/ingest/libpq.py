"""A connection to PostgreSQL in an event loop, which never blocks and needs no thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import pq
from sqlalchemy import Engine


class AsyncConnection:
    """Runs prepared statements, one at a time, each as a transaction of its own."""

    def __init__(self, connection: psycopg.Connection[Any], loop: asyncio.AbstractEventLoop) -> None:
        connection.autocommit = True
        self._connection, self._server, self._loop = connection, connection.pgconn, loop
        self._server.nonblocking = 1
        # Kept because a lost connection no longer has it.
        self._socket = self._server.socket
        self._is_watched = True
        self._prepared: set[bytes] = set()
        self._answer: asyncio.Future[pq.abc.PGresult] | None = None
        self._result: pq.abc.PGresult | None = None
        loop.add_reader(self._socket, self._read)

    @classmethod
    async def of(cls, engine: Engine) -> AsyncConnection:
        """A new connection, made as the engine connects. Raises what the driver raises."""
        loop = asyncio.get_running_loop()
        connection = await loop.run_in_executor(None, engine.raw_connection)
        # It must not go back to the pool: it is no longer in the state that others expect.
        connection.detach()
        driver: Any = connection.dbapi_connection
        return cls(driver, loop)

    async def execute(
        self,
        name: bytes,
        statement: Callable[[], bytes],
        values: Sequence[bytes | None],
        formats: Sequence[int],
    ) -> pq.abc.PGresult:
        """The statement is prepared under its name the first time. Raises what the driver raises."""
        if name not in self._prepared:
            await self._ask(lambda: self._server.send_prepare(name, statement()))
            self._prepared.add(name)
        return await self._ask(lambda: self._server.send_query_prepared(name, values, formats))

    def close(self) -> None:
        self._unwatch()
        with suppress(psycopg.Error):
            self._connection.close()

    async def _ask(self, send: Callable[[], None]) -> pq.abc.PGresult:
        self._answer = answer = self._loop.create_future()
        send()
        self._write()
        result: pq.abc.PGresult = await answer
        if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            if self._connection.closed or self._connection.broken:
                raise psycopg.OperationalError(result.get_error_message())
            raise psycopg.errors.error_from_result(result)
        return result

    def _write(self) -> None:
        """Write as much as the network takes now, and the rest when it takes more."""
        try:
            is_more = self._server.flush()
        except psycopg.Error as error:
            self._lose(error)
            return
        if is_more:
            self._loop.add_writer(self._socket, self._write)
        else:
            self._loop.remove_writer(self._socket)

    def _read(self) -> None:
        try:
            self._server.consume_input()
            while not self._server.is_busy():
                result = self._server.get_result()
                if result is None:
                    self._finish()
                    return
                if _is_the_end(result):
                    # What follows, that the server has closed, may never be reported: libuv stops watching after an error.
                    self._lose(psycopg.OperationalError(result.get_error_message()))
                    return
                self._result = result
        except psycopg.Error as error:
            self._lose(error)

    def _finish(self) -> None:
        """The answer is complete once nothing more follows; unsolicited messages have no result."""
        result, self._result = self._result, None
        if result is not None and self._answer is not None and not self._answer.done():
            self._answer.set_result(result)

    def _lose(self, error: psycopg.Error) -> None:
        """Stop watching, or the loop would keep reporting that there is something to read."""
        self._unwatch()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def _unwatch(self) -> None:
        """Do this only once: a lost connection's socket is closed, and its number soon belongs to another one."""
        if self._is_watched and not self._loop.is_closed():
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
        self._is_watched = False


def _is_the_end(result: pq.abc.PGresult) -> bool:
    """Whether the server says that it is ending the connection: then no answer will ever be complete."""
    if result.status != pq.ExecStatus.FATAL_ERROR:
        return False
    # A pooler sends only the second one, which PostgreSQL translates into the server's language.
    of_either = (pq.DiagnosticField.SEVERITY_NONLOCALIZED, pq.DiagnosticField.SEVERITY)
    return any(result.error_field(field) in (b"FATAL", b"PANIC") for field in of_either)

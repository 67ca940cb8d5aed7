"""The connection that receiving has in the event loop of the server, and what becomes of whoever waits for it."""

import asyncio
import select
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import uvloop
from psycopg import pq
from sqlalchemy import Engine

from stripe_bridge.adapters.database import create_engine
from stripe_bridge.adapters.database.async_connection import AsyncConnection

_LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


def in_a_loop(kind: Callable[[], asyncio.AbstractEventLoop], coroutine: Any) -> Any:
    with asyncio.Runner(loop_factory=kind) as runner:
        return runner.run(asyncio.wait_for(coroutine, 20))


async def ask(connection: AsyncConnection, statement: bytes) -> pq.abc.PGresult:
    return await connection.execute(statement, lambda: statement, [], [])


@pytest.mark.parametrize("kind", _LOOPS)
def test_a_mistake_in_a_statement_leaves_the_connection_as_good_as_before(kind, postgres_url: str):
    async def ask_wrongly_and_then_rightly(engine: Engine) -> bytes | None:
        connection = await AsyncConnection.of(engine)
        try:
            with pytest.raises(psycopg.errors.SyntaxError):
                await ask(connection, b"SELEKT 1")
            return (await ask(connection, b"SELECT 42")).get_value(0, 0)
        finally:
            connection.close()

    engine = create_engine(postgres_url)
    assert in_a_loop(kind, ask_wrongly_and_then_rightly(engine)) == b"42"
    engine.dispose()


@pytest.mark.parametrize("kind", _LOOPS)
def test_who_asks_a_connection_that_the_server_has_ended_is_told_so(kind, postgres_url: str):
    """Its last words, and that it has closed, are there before the loop looks for the first time."""

    async def ask_one_that_is_over(engine: Engine) -> None:
        connection = await AsyncConnection.of(engine)
        try:
            own = (await ask(connection, b"SELECT pg_backend_pid()")).get_value(0, 0)
            with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 10000)", [int(own or b"")])
            over = select.poll()
            over.register(connection._socket, select.POLLRDHUP)
            assert over.poll(10_000)
            with pytest.raises(psycopg.OperationalError):
                await ask(connection, b"SELECT 1")
        finally:
            connection.close()

    engine = create_engine(postgres_url)
    in_a_loop(kind, ask_one_that_is_over(engine))
    engine.dispose()

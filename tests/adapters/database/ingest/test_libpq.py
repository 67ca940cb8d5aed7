"""The connection of receiving in the server's event loop, and what happens to those who wait for it."""

import asyncio
import select
import socket
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import uvloop
from psycopg import pq
from sqlalchemy import Engine

from stripe_bridge.adapters.database import create_engine
from stripe_bridge.adapters.database.ingest.libpq import AsyncConnection

_LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


def in_a_loop(kind: Callable[[], asyncio.AbstractEventLoop], coroutine: Any) -> Any:
    with asyncio.Runner(loop_factory=kind) as runner:
        return runner.run(asyncio.wait_for(coroutine, 60))


async def ask(connection: AsyncConnection, statement: bytes) -> pq.abc.PGresult:
    return await connection.execute(statement, lambda: statement, [], [])


async def assert_over(connection: AsyncConnection) -> None:
    """The server's last message and the end of the connection arrive before the loop looks for the first time."""
    over = select.poll()
    over.register(connection._socket, select.POLLRDHUP)
    assert over.poll(10_000)
    with pytest.raises(psycopg.OperationalError):
        await ask(connection, b"SELECT 1")


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
def test_a_statement_on_a_connection_that_the_server_has_ended_fails(kind, postgres_url: str):
    async def ask_one_that_is_over(engine: Engine) -> None:
        connection = await AsyncConnection.of(engine)
        try:
            own = (await ask(connection, b"SELECT pg_backend_pid()")).get_value(0, 0)
            with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 10000)", [int(own or b"")])
            await assert_over(connection)
        finally:
            connection.close()

    engine = create_engine(postgres_url)
    in_a_loop(kind, ask_one_that_is_over(engine))
    engine.dispose()


_WELCOME = b"R\0\0\0\x08\0\0\0\0" + b"S\0\0\0\x18server_version\x0016.0\0" + b"Z\0\0\0\x05I"
# As PgBouncer says it, without the severity that PostgreSQL adds untranslated, for programs.
_FAREWELL = b"SFATAL\0C57P01\0Mserver conn crashed?\0\0"


def welcome_and_let_go(listening: socket.socket, is_in: threading.Event) -> None:
    with listening.accept()[0] as client:
        client.recv(1_000)
        client.sendall(_WELCOME)
        is_in.wait(60)
        client.sendall(b"E" + (4 + len(_FAREWELL)).to_bytes(4) + _FAREWELL)


@pytest.mark.parametrize("kind", _LOOPS)
def test_a_statement_on_a_connection_that_a_pooler_has_ended_fails(kind):
    async def ask_one_that_is_over(given: psycopg.Connection[Any]) -> None:
        connection = AsyncConnection(given, asyncio.get_running_loop())
        try:
            await assert_over(connection)
        finally:
            connection.close()

    is_in = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        pooler = threading.Thread(target=welcome_and_let_go, args=(listening, is_in))
        pooler.start()
        port = listening.getsockname()[1]
        given = psycopg.connect(host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable")
        is_in.set()
        in_a_loop(kind, ask_one_that_is_over(given))
        pooler.join()

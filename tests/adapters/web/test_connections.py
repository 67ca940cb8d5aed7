"""Clients that do not finish their requests: how many there may be, for how long, and who gives way."""

import asyncio
import gc
import logging
import threading
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from stripe_bridge.adapters.web import webhook_protocol
from stripe_bridge.adapters.web.app import operations_by_endpoint
from stripe_bridge.adapters.web.auth import AuthenticateHead
from stripe_bridge.adapters.web.connections import (
    BODY_TIMEOUT,
    HEAD_TIMEOUT,
    SLOWEST_BODY,
    TIMED_OUT_AT_ONCE,
    ConnectionLimits,
    Connections,
)
from stripe_bridge.adapters.web.fast_path import FastPath
from stripe_bridge.domain.access import Principal, Role
from stripe_bridge.domain.errors.base import Unauthenticated
from tests.adapters.web.over_fast_path import Connection, over_connection
from tests.adapters.web.world import World

WEBHOOKS = "/api/webhooks/stripe"
READY = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"
TIMED_OUT = b"HTTP/1.1 408 "


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def world(time):
    world: Any = World()
    world.authenticate = world.bridge.access.authenticate

    def authenticate(secret: str) -> Principal:
        principal: Principal = world.authenticate(secret)
        return principal

    world.front = FastPath(
        world.app.wsgi_app,
        world.bridge.webhook_events.receive,
        world.metrics,
        threads=2,
        on_shutdown=lambda: None,
        wants_body=AuthenticateHead(
            world.app, operations_by_endpoint(), replace(world.bridge.access, authenticate=authenticate)
        ),
    )
    world.limit = lambda **limits: setattr(
        world.front, "connections", Connections(ConnectionLimits(**limits), time)
    )
    world.limit()
    yield world
    world.front.close()


def begun(front, count: int, request: bytes = b"GET / HT") -> list[Connection]:
    connections = [Connection(front) for _ in range(count)]
    for each in connections:
        each.protocol.data_received(request)
    return connections


def a_head(length: int, path: str = WEBHOOKS, *more: str) -> bytes:
    shown = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {length}", *more]
    return "\r\n".join([*shown, "", ""]).encode()


def run(world, talk: Callable[[Connection], Any]) -> Any:
    return over_connection(world.front, talk)


async def status_of(connection: Connection, request: bytes = READY) -> int:
    connection.wire.written = b""
    await connection.send([request])
    ((answer, _),) = await connection.wire.answers()
    return answer.status


def test_at_the_limit_the_oldest_unfinished_request_gives_way_and_never_the_newcomer(world):
    world.limit(unfinished=3)

    async def talk(newcomer: Connection) -> None:
        # It has a connection, too, and is the oldest; by asking and being answered it leaves the queue.
        assert await status_of(newcomer) == 200
        slow = begun(world.front, 3)
        assert not any(each.wire.is_closed for each in slow)
        assert await status_of(newcomer) == 200
        assert [each.wire.is_closed for each in slow] == [True, False, False]
        assert slow[0].wire.written.startswith(TIMED_OUT)

    run(world, talk)


def test_connections_that_have_sent_nothing_are_unfinished(world):
    world.limit(unfinished=2)

    async def talk(first: Connection) -> None:
        begun(world.front, 2, b"")
        assert first.wire.written.startswith(TIMED_OUT)

    run(world, talk)


def test_requests_that_are_being_served_and_idle_connections_do_not_count(world):
    world.limit(unfinished=1)

    async def talk(served: Connection) -> None:
        served.protocol.data_received(READY)
        slow = begun(world.front, 5)
        ((answer, _),) = await served.wire.answers()
        assert answer.status == 200
        assert not served.wire.is_closed
        assert [each.wire.is_closed for each in slow] == [True] * 4 + [False]

    run(world, talk)


def test_what_unfinished_requests_hold_is_limited_in_all(world):
    world.limit(unfinished_bytes=100_000)

    async def talk(first: Connection) -> None:
        bodies = [first, *begun(world.front, 4, b"")]
        for each in bodies:
            each.protocol.data_received(a_head(50_000) + b"x" * 40_000)
        assert [each.wire.is_closed for each in bodies] == [True, True, True, False, False]
        # A finished one holds nothing any more.
        bodies[3].protocol.data_received(b"x" * 10_000)
        more = begun(world.front, 1, a_head(50_000) + b"x" * 40_000)
        assert not any(each.wire.is_closed for each in [*bodies[4:], *more])

    run(world, talk)


@pytest.mark.parametrize("part", [700, 16_000])
def test_a_long_body_is_held_in_pieces_of_about_the_same_size(world, part):
    """Blocks of any size, growing side by side, leave holes in memory that fit none of them."""

    async def talk(client: Connection) -> None:
        client.protocol.data_received(a_head(900_000))
        for _ in range(800_000 // part):
            client.protocol.data_received(b"x" * part)
        held = tracemalloc.take_snapshot().filter_traces(
            [tracemalloc.Filter(True, webhook_protocol.__file__)]
        )
        assert max(trace.size for trace in held.traces) <= 64 * 1024
        assert sum(trace.size for trace in held.traces) <= 800_000 * 1.2

    tracemalloc.start()
    try:
        run(world, talk)
    finally:
        tracemalloc.stop()


def test_long_bodies_take_turns(world):
    """Otherwise a thousand of them would keep the loop busy for seconds."""

    async def talk(first: Connection) -> None:
        long = [first, *begun(world.front, 7, b"")]
        for each in long:
            each.protocol.data_received(a_head(900_000) + b"x" * 100_000)
        assert [each.wire.is_read for each in long] == [False] * 8
        await asyncio.sleep(0)
        assert [each.wire.is_read for each in long] == [True] * 4 + [False] * 4
        await asyncio.sleep(0)
        assert [each.wire.is_read for each in long] == [True] * 8

    run(world, talk)


@pytest.mark.parametrize("request_", [b"", b"GET / HTTP/1.1\r\nHost"])
def test_a_head_has_ten_seconds(world, time, request_):
    async def talk(slow: Connection) -> None:
        slow.protocol.data_received(request_)
        time.now = HEAD_TIMEOUT
        world.front.connections.time_out_late()
        assert not slow.wire.is_closed
        time.now += 0.1
        world.front.connections.time_out_late()
        assert slow.wire.written.startswith(TIMED_OUT)
        assert slow.wire.is_closed

    run(world, talk)


def test_of_many_that_are_late_at_once_a_few_are_closed_at_a_time_the_oldest_first(world, time):
    """They may all come back at once, too."""

    async def talk(first: Connection) -> None:
        slow = [first, *begun(world.front, 2 * TIMED_OUT_AT_ONCE, b"")]
        time.now = HEAD_TIMEOUT + 0.1
        for closed in (TIMED_OUT_AT_ONCE, 2 * TIMED_OUT_AT_ONCE, len(slow)):
            world.front.connections.time_out_late()
            assert [each.wire.is_closed for each in slow] == [number < closed for number in range(len(slow))]

    run(world, talk)


def test_a_body_has_half_a_minute_and_then_has_to_keep_coming(world, time):
    async def talk(slow: Connection) -> None:
        slow.protocol.data_received(a_head(500_000))
        time.now = BODY_TIMEOUT
        world.front.connections.time_out_late()
        for _ in range(20):
            time.now += 1
            slow.protocol.data_received(b"x" * SLOWEST_BODY)
            world.front.connections.time_out_late()
        assert not slow.wire.is_closed
        time.now += 1
        world.front.connections.time_out_late()
        assert slow.wire.written.startswith(TIMED_OUT)

    run(world, talk)


def test_the_time_in_which_it_is_we_who_do_not_read_does_not_count(world, time):
    async def talk(client: Connection) -> None:
        client.protocol.data_received(a_head(500_000))
        client.protocol.flow.pause_reading()
        for _ in range(100):
            time.now += 1
            world.front.connections.time_out_late()
        client.protocol.flow.resume_reading()
        assert not client.wire.is_closed
        time.now += BODY_TIMEOUT + 1
        world.front.connections.time_out_late()
        assert client.wire.is_closed

    run(world, talk)


def test_an_idle_connection_is_not_late(world, time):
    async def talk(client: Connection) -> None:
        assert await status_of(client) == 200
        time.now += 1000
        world.front.connections.time_out_late()
        assert await status_of(client) == 200

    run(world, talk)


def test_with_too_many_connections_the_one_that_has_been_idle_longest_is_closed_first(world):
    world.limit(connections=3)

    async def talk(first: Connection) -> None:
        second, third = begun(world.front, 2, b"")
        for each in (second, first):
            assert await status_of(each) == 200
        begun(world.front, 1)
        assert [each.wire.is_closed for each in (first, second, third)] == [False, True, False]
        assert TIMED_OUT not in second.wire.written

    run(world, talk)


def test_clients_closed_for_a_limit_are_logged_at_intervals(world, caplog):
    world.limit(unfinished=1)
    with caplog.at_level(logging.WARNING):
        run(world, lambda _: _many(world, 50))
    (record,) = [each for each in caplog.records if each.message == "unfinished requests at their limit"]
    assert record.levelno == logging.WARNING


async def _many(world, count: int) -> None:
    begun(world.front, count)


@pytest.mark.parametrize(("descriptors", "unfinished"), [(100, 50), (1_024, 512), (20_000, 1_000)])
def test_half_of_the_descriptors_are_for_other_things(descriptors, unfinished):
    limits = ConnectionLimits.for_descriptors(descriptors, unfinished=1_000)
    assert limits.unfinished == unfinished
    assert unfinished < limits.connections < descriptors


def test_requests_that_are_refused_by_their_head_leave_nothing_for_the_garbage_collector(world):
    """It would stop everything, for half a second after two thousand of them."""

    async def talk(_first: Connection) -> None:
        for _ in range(3):
            connection = Connection(world.front)
            await connection.send([a_head(1000, "/api/stripe/invoices"), b"x" * 999])
            ((answer, _body),) = await connection.wire.answers()
            assert answer.status == 401
            connection.protocol.connection_lost(None)

    gc.collect()
    gc.disable()
    try:
        run(world, talk)
        assert [each for each in gc.get_objects() if isinstance(each, Unauthenticated)] == []
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("token", "status"), [(None, 401), ("sbt_unknown", 401), (Role.VIEWER, 403), ("nowhere", 404)]
)
def test_without_a_credential_that_is_good_enough_no_body_is_read(world, token, status):
    role = token if isinstance(token, Role) else None
    bearer = world.token(role) if role else token
    headers = [f"Authorization: Bearer {bearer}"] if bearer else []
    # Less than the body: whoever holds it would give way.
    world.limit(unfinished_bytes=40_000)
    path = "/api/nowhere" if status == 404 else "/api/stripe/integrations"

    async def talk(connection: Connection) -> None:
        assert await status_of(connection, a_head(50_000, path, *headers)) == status
        # The rest is thrown away, and the connection can be used again.
        begun(world.front, 1, b"POST / H")
        connection.protocol.data_received(b"x" * 50_000)
        assert await status_of(connection) == 200

    run(world, talk)


def test_with_a_good_credential_the_body_is_read_and_the_credential_is_checked_once(world):
    checked, is_checked = [], threading.Event()
    token = world.token()

    def counting(secret):
        checked.append(secret)
        is_checked.set()
        return world.bridge.access.authenticate(secret)

    world.authenticate = counting
    body = b'{"name": "Rosen Furniture"}'
    head = a_head(
        len(body),
        "/api/stripe/integrations",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
    )

    async def talk(connection: Connection) -> int:
        connection.protocol.data_received(head)
        # It takes so long that the credential is checked first.
        assert await asyncio.to_thread(is_checked.wait, 10)
        connection.protocol.data_received(body)
        ((answer, _),) = await connection.wire.answers()
        return answer.status

    assert run(world, talk) == 201
    assert checked == [token]


def test_an_error_while_authenticating_lets_nobody_in_without_a_body(world):
    """An empty body could ask for more than the one that was not read: without an amount, all is refunded."""

    def broken(_secret):
        raise RuntimeError

    world.authenticate = broken

    async def talk(connection: Connection) -> int:
        head = a_head(
            50_000, "/api/stripe/integrations/1/authorize", f"Authorization: Bearer {world.token()}"
        )
        return await status_of(connection, head)

    assert run(world, talk) == 500


def test_a_head_of_very_many_headers_is_refused(world):
    """Each takes many times its length."""

    async def talk(connection: Connection) -> int:
        return await status_of(connection, b"GET /healthz HTTP/1.1\r\n" + b"a:\r\n" * 5_000 + b"\r\n")

    assert run(world, talk) == 400

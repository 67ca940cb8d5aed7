"""Webhooks on the wire, in whatever pieces they arrive, and whatever comes before and after them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stripe_bridge.adapters.web.fast_path import FastPath
from tests.adapters.web.over_fast_path import Connection, over_connection
from tests.adapters.web.world import WEBHOOK_SECRET, World
from tests.builders import an_event_payload
from tests.fakes.stripe.signatures import sign

PATH = "/api/webhooks/stripe"
READY = b"GET /readyz HTTP/1.1\r\nhost: bridge.test\r\n\r\n"


@pytest.fixture(scope="module")
def world():
    world: Any = World()
    world.front = FastPath(
        world.app.wsgi_app,
        world.bridge.webhook_events.receive,
        world.metrics,
        threads=2,
        on_shutdown=lambda: None,
    )
    # From here on, the front knows the secret.
    assert world.post_event(an_event_payload(id_="evt_first")).status_code == 200
    yield world
    world.front.close()


def a_webhook(world, number=1, *, more="", version="1.1", signature=None) -> bytes:
    payload = an_event_payload(id_=f"evt_{number}")
    signature = signature or sign(payload, WEBHOOK_SECRET, world.clock.now())
    head = (
        f"POST {PATH} HTTP/{version}\r\nHost: bridge.test\r\nContent-Length: {len(payload)}\r\n"
        f"Stripe-Signature: {signature}\r\n{more}\r\n"
    )
    return head.encode() + payload


def exchange(world, parts, count=1):
    """The answers' statuses and bodies, and whether the connection was closed."""

    async def talk(connection: Connection) -> tuple[list[tuple[int, bytes]], bool]:
        await connection.send(parts)
        found = await connection.wire.answers(count)
        return [(answer.status, body) for answer, body in found], connection.wire.is_closed

    return over_connection(world.front, talk)


TAKEN = (200, b'{"received":true}\n')


@given(st.sets(st.integers(1, 2_000), max_size=8))
@settings(max_examples=40, deadline=None)
def test_it_does_not_matter_in_what_pieces_it_comes(world, cuts):
    request = a_webhook(world)
    places = sorted(place for place in cuts if place < len(request))
    parts = [request[begin:end] for begin, end in zip([0, *places], [*places, len(request)], strict=True)]
    assert exchange(world, parts) == ([TAKEN], False)


def test_one_follows_the_other_on_a_connection_with_other_requests_between(world):
    async def talk(connection: Connection) -> list[int]:
        statuses = []
        for request in (
            a_webhook(world, 1),
            READY,
            a_webhook(world, 2, signature="t=1,v1=x"),
            a_webhook(world, 3),
        ):
            connection.wire.written = b""
            await connection.send([request])
            ((answer, _),) = await connection.wire.answers()
            statuses.append(answer.status)
        return statuses

    assert over_connection(world.front, talk) == [200, 200, 400, 200]


def test_a_body_in_chunks_is_a_body(world):
    head, _, payload = a_webhook(world).partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
    chunks = b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (10, payload[:10], len(payload) - 10, payload[10:])
    request = b"\r\n".join([*lines, b"Transfer-Encoding: chunked"]) + b"\r\n\r\n" + chunks
    assert exchange(world, [request]) == ([TAKEN], False)


@pytest.mark.parametrize(("more", "version"), [("Connection: close\r\n", "1.1"), ("", "1.0")])
@pytest.mark.parametrize("is_taken", [True, False])
def test_whoever_wants_no_further_answer_gets_none(world, more, version, is_taken):
    signature = None if is_taken else "t=1,v1=x"
    request = a_webhook(world, more=more, version=version, signature=signature)
    (answer,), is_closed = exchange(world, [request])
    assert is_closed
    assert answer == TAKEN if is_taken else answer[0] == 400


def test_what_follows_before_the_answer_is_left_to_be_sent_again(world):
    """No answer may overtake another, and none may be about what was not read."""
    assert exchange(world, [a_webhook(world, 1) + a_webhook(world, 2)], count=2) == ([TAKEN], True)
    refused = a_webhook(world, 3, signature="t=1,v1=x")
    assert exchange(world, [refused + READY]) == ([], True)


@pytest.mark.parametrize(
    "begun",
    [
        b"POST /",
        READY[:-2] + b"X-A: ",
        f"POST {PATH} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\nX-A: ".encode(),
    ],
)
def test_a_head_without_end_is_refused(world, begun):
    ((status, _),), is_closed = exchange(world, [begun, *[b"x" * 1024] * 100])
    assert (status, is_closed) == (400, True)


def test_a_long_body_is_no_long_head(world):
    """Nor are many requests on one connection."""
    request = a_webhook(world)
    parts = [request[place : place + 7] for place in range(0, len(request), 7)]

    async def talk(connection: Connection) -> int:
        for _ in range(200):
            connection.wire.written = b""
            await connection.send(parts)
            ((answer, _),) = await connection.wire.answers()
            assert answer.status == 200
        return len(request) * 200

    assert over_connection(world.front, talk) > 100_000


def test_whoever_asks_first_whether_to_go_on_is_told(world):
    head, _, payload = a_webhook(world, more="Expect: 100-continue\r\n").partition(b"\r\n\r\n")

    async def talk(connection: Connection) -> bytes:
        await connection.send([head + b"\r\n\r\n"])
        await connection.wire.until(lambda: b"100 Continue" in connection.wire.written)
        connection.wire.written = b""
        await connection.send([payload])
        ((answer, body),) = await connection.wire.answers()
        assert answer.status == 200
        return body

    assert over_connection(world.front, talk) == TAKEN[1]


@pytest.mark.parametrize(("signature", "status"), [(None, 200), ("t=1,v1=x", 400)])
def test_one_that_is_being_taken_is_answered_when_the_server_ends(world, signature, status):
    """And then its connection is closed: the server waits for that."""
    request = a_webhook(world, signature=signature)

    async def talk(connection: Connection) -> tuple[int, bool]:
        await connection.send([request[:-1]])
        connection.protocol.shutdown()
        await connection.send([request[-1:]])
        ((answer, _),) = await connection.wire.answers()
        return answer.status, connection.wire.is_closed

    assert over_connection(world.front, talk) == (status, True)


def test_one_whose_sender_has_gone_is_stored_all_the_same(world):
    async def talk(connection: Connection) -> None:
        await connection.send([a_webhook(world, "gone")])

    over_connection(world.front, talk)
    assert "evt_gone" in {event.stripe_event_id for event in world.store.committed.events.rows.values()}


def test_an_idle_connection_is_closed_when_the_server_ends(world):
    async def talk(connection: Connection) -> bool:
        await connection.send([a_webhook(world)])
        await connection.wire.answers()
        connection.protocol.shutdown()
        return connection.wire.is_closed

    assert over_connection(world.front, talk)

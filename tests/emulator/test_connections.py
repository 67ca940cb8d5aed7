"""Connections are kept alive, as Stripe's are, so that clients do not measure connecting."""

from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import pytest

from stripe_emulator.server import EmulatorServer


@pytest.fixture
def connection() -> Iterator[HTTPConnection]:
    with EmulatorServer() as server, closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as kept:
        kept.connect()
        yield kept


def ask(connection: HTTPConnection, method: str, path: str, body: object = None) -> int:
    chunked = not isinstance(body, bytes | None)
    connection.request(method, path, body, encode_chunked=chunked)  # type: ignore[arg-type]  # as it takes it
    answer = connection.getresponse()
    assert answer.read()
    return answer.status


def test_one_connection_serves_one_request_after_another(connection: HTTPConnection):
    kept = connection.sock

    assert [ask(connection, "GET", "/_emulator/misbehavior") for _ in range(3)] == [200, 200, 200]
    assert connection.sock is kept is not None


@pytest.mark.parametrize(
    "body", [b"a=" + b"x" * 100_000, iter([b"a=", b"x" * 100_000])], ids=["whole", "chunked"]
)
def test_an_unread_body_is_not_taken_for_the_next_request(connection: HTTPConnection, body: object):
    kept = connection.sock

    assert ask(connection, "POST", "/nowhere", body) == 404
    assert ask(connection, "GET", "/_emulator/misbehavior") == 200
    assert connection.sock is kept is not None

"""A request whose credential was good the last time waits for none whose credential nobody knows."""

import threading
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest

from stripe_bridge.adapters.console.cookies import cookie_name
from stripe_bridge.adapters.web.fast_path import FastPath
from stripe_bridge.adapters.web.known_credentials import KnownCredentials, credential_in
from stripe_bridge.domain.access import Role
from tests.adapters.console.browser import ConsoleWorld
from tests.adapters.web.over_fast_path import Connection, over_connection
from tests.adapters.web.world import PUBLIC_URL

METRICS_TOKEN = "mtok_of_prometheus"
API, CONSOLE, METRICS = "/api/stripe/integrations", "/console/invoices", "/metrics"


class Held:
    """The application behind the front, which keeps requests with a made-up token until `is_over`."""

    def __init__(self, world: ConsoleWorld) -> None:
        self._app = world.app.wsgi_app
        self.is_over = threading.Event()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        if environ.get("HTTP_AUTHORIZATION", "").startswith("Bearer made-up"):
            self.is_over.wait(60)
        return self._app(environ, start_response)


@pytest.fixture
def world() -> ConsoleWorld:
    return ConsoleWorld(metrics_token=METRICS_TOKEN)


@pytest.fixture
def held(world: ConsoleWorld) -> Held:
    return Held(world)


@pytest.fixture
def front(world: ConsoleWorld, held: Held) -> Iterator[FastPath]:
    front = FastPath(held, None, world.metrics, threads=1, on_shutdown=lambda: None)
    yield front
    held.is_over.set()
    front.close()


@pytest.fixture(params=[API, METRICS, CONSOLE])
def page(request: pytest.FixtureRequest) -> str:
    page: str = request.param
    return page


@pytest.fixture
def credential(world: ConsoleWorld, page: str) -> str:
    if page == CONSOLE:
        return f"Cookie: {cookie_name(PUBLIC_URL)}={world.visitor().cookie()}"
    return f"Authorization: Bearer {METRICS_TOKEN if page == METRICS else world.token()}"


async def ask(connection: Connection, page: str, credential: str) -> None:
    connection.wire.written = b""
    await connection.send([f"GET {page} HTTP/1.1\r\nHost: x\r\n{credential}\r\n\r\n".encode()])


async def status(connection: Connection, page: str, credential: str) -> int:
    await ask(connection, page, credential)
    ((answer, _),) = await connection.wire.answers()
    return answer.status


def test_made_up_credentials_hold_up_none_that_was_good_before(
    front: FastPath, held: Held, page: str, credential: str
):
    """Anyone can send a thousand of them at once."""

    async def talk(connection: Connection) -> list[int]:
        statuses = [await status(connection, page, credential)]
        flood = [Connection(front) for _ in range(3)]
        for number, each in enumerate(flood):
            await ask(each, page, f"Authorization: Bearer made-up-{number}")
        statuses.append(await status(connection, page, credential))
        assert not any(each.wire.written for each in flood)
        held.is_over.set()
        for each in flood:
            await each.wire.answers()
            await each.end()
        return statuses

    assert over_connection(front, talk) == [HTTPStatus.OK, HTTPStatus.OK]


@pytest.mark.parametrize("path", ["/readyz", "/docs", "/api/stripe/nothing-here", "/api/webhooks/stripe"])
def test_a_credential_becomes_known_only_where_it_is_checked(front: FastPath, held: Held, path: str):
    made_up = "Bearer made-up"
    held.is_over.set()

    over_connection(front, lambda connection: status(connection, path, f"Authorization: {made_up}"))

    assert made_up.encode() not in front._known_credentials


def test_a_credential_that_is_good_no_longer_is_known_no_longer(front: FastPath, world: ConsoleWorld):
    token = world.bridge.access.create_token(tenant_id="acme", role=Role.ADMIN, user_id=7, label="old")
    credential = f"Bearer {token.secret}"

    async def talk(connection: Connection) -> list[tuple[int, bool]]:
        found = []
        for _ in range(2):
            answered = await status(connection, API, f"Authorization: {credential}")
            found.append((answered, credential.encode() in front._known_credentials))
            world.bridge.access.revoke_token(token.token.id)
        return found

    assert over_connection(front, talk) == [(HTTPStatus.OK, True), (HTTPStatus.UNAUTHORIZED, False)]


def test_those_that_were_used_longest_ago_are_forgotten_first():
    known = KnownCredentials(most=2)
    for credential in (b"a", b"b", b"a", b"c"):
        known.note(credential, is_good=True)

    assert [each in known for each in (b"a", b"b", b"c")] == [True, False, True]


@pytest.mark.parametrize(
    ("headers", "credential"),
    [
        ([], b""),
        ([(b"host", b"x"), (b"cookie", b"a=b")], b"a=b"),
        ([(b"cookie", b"a=b"), (b"authorization", b"Bearer x")], b"Bearer x"),
    ],
)
def test_a_token_goes_before_cookies(headers: list[tuple[bytes, bytes]], credential: bytes):
    assert credential_in(headers) == credential

"""The front handles webhooks that it can take at once, and leaves everything else to the application behind it."""

import asyncio
import threading
import time
from http import HTTPStatus
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from stripe_bridge.adapters.web.fast_path import BETWEEN_UNKNOWN, FastPath
from stripe_bridge.domain.webhook_event import MAX_PAYLOAD_BYTES
from stripe_bridge.use_cases.webhook_events.receive import (
    ReceiveWebhook,
    ReceiveWebhookCommand,
    SecretsNotCached,
)
from tests.adapters.web.over_fast_path import PART, Connection, OverFront, over_connection
from tests.adapters.web.world import WEBHOOK_SECRET, World, data_of
from tests.builders import an_event_payload
from tests.fakes.stripe.signatures import sign

PLATFORM = "/api/webhooks/stripe"


class Watched:
    """The application behind the front, which records what reaches it."""

    def __init__(self, app):
        self._app = app
        self.paths: list[str] = []

    def __call__(self, environ, start_response):
        self.paths.append(environ["PATH_INFO"])
        return self._app(environ, start_response)


@pytest.fixture
def world():
    world: Any = World()
    world.behind = Watched(world.app.wsgi_app)
    ended = []
    front = world.front = FastPath(
        world.behind,
        world.bridge.webhook_events.receive,
        world.metrics,
        threads=2,
        on_shutdown=lambda: ended.append(True),
    )
    world.app.wsgi_app = OverFront(front)
    yield world
    front.close()
    assert ended == [True]


def stored(world):
    return list(world.store.committed.events.rows.values())


def test_once_a_secret_is_known_webhooks_come_no_further_than_the_front(world):
    for number in range(3):
        assert world.post_event(an_event_payload(id_=f"evt_{number}")).status_code == HTTPStatus.OK
    assert world.behind.paths == [PLATFORM]
    assert len(stored(world)) == 3


def test_whoever_cannot_sign_is_in_the_way_of_nobody_who_can(world):
    world.post_event(an_event_payload())
    world.post_event(an_event_payload(), secret="whsec_x")
    world.behind.paths.clear()
    world.post_event(an_event_payload())
    assert world.behind.paths == []


def test_cached_secrets_are_loaded_again_after_a_while(world):
    for _ in range(2):
        world.post_event(an_event_payload())
    world.clock.advance(seconds=60)
    world.post_event(an_event_payload())
    assert world.behind.paths == [PLATFORM, PLATFORM]


def test_of_many_webhooks_that_arrive_when_secrets_are_old_one_waits_until_they_are_looked_up(
    world, monkeypatch
):
    """All of them in Flask's threads would wait for one another, every ten seconds."""
    world.post_event(an_event_payload(id_="evt_first"))
    world.behind.paths.clear()
    world.clock.advance(seconds=10)
    arrived: list[TestResponse] = []
    load = ReceiveWebhook._load

    def while_others_arrive(self, integration_id):
        monkeypatch.setattr(ReceiveWebhook, "_load", load)
        arrived.extend(world.post_event(an_event_payload(id_=f"evt_{number}")) for number in range(20))
        return load(self, integration_id)

    monkeypatch.setattr(ReceiveWebhook, "_load", while_others_arrive)

    assert world.post_event(an_event_payload(id_="evt_last")).status_code == HTTPStatus.OK
    assert [each.status_code for each in arrived] == [HTTPStatus.OK] * 20
    assert world.behind.paths == [PLATFORM]
    assert len(stored(world)) == 22


def test_secrets_that_were_not_looked_up_again_are_used_no_longer_than_a_second(world):
    world.post_event(an_event_payload(id_="evt_first"))
    into, payload = world.bridge.webhook_events.receive, an_event_payload()

    def is_taken_at_once():
        signature = sign(payload, WEBHOOK_SECRET, world.clock.now())
        try:
            asyncio.run(into.receive_async(ReceiveWebhookCommand(payload=payload, signature=signature)))
        except SecretsNotCached:
            return False
        return True

    world.clock.advance(seconds=10)
    # The first one was sent to look them up, but gave up, as a client may.
    assert [is_taken_at_once() for _ in range(3)] == [False, True, True]
    world.clock.advance(seconds=1)
    assert [is_taken_at_once() for _ in range(2)] == [False, False]


def test_secrets_that_can_no_longer_be_looked_up_are_used_no_more(world):
    integration = world.connect()
    receiver = world.bridge.receivers.attach(integration_id=integration["id"], secret="whsec_own")
    path = f"{PLATFORM}/{integration['id']}"
    world.post_event(an_event_payload(), path=path, secret="whsec_own")
    with world.store.writing() as work:
        work.receivers.remove(receiver.id)
        work.commit()
    world.clock.advance(seconds=10)

    answers = [
        world.post_event(an_event_payload(id_=f"evt_{number}"), path=path, secret="whsec_own")
        for number in range(3)
    ]

    assert [each.status_code for each in answers] == [HTTPStatus.NOT_FOUND] * 3


def test_an_integrations_own_receiver_has_its_own_secret_at_the_front(world):
    integration = world.connect()
    world.bridge.receivers.attach(integration_id=integration["id"], secret="whsec_own")
    path = f"{PLATFORM}/{integration['id']}"
    world.behind.paths.clear()
    for number in range(2):
        payload = an_event_payload(id_=f"evt_{number}")
        assert world.post_event(payload, path=path, secret="whsec_own").status_code == HTTPStatus.OK
    assert world.post_event(an_event_payload(), path=path, secret=WEBHOOK_SECRET).status_code == 400
    assert world.behind.paths == [path, path]


def test_either_way_in_is_answered_alike(world):
    by_flask, by_front = (world.post_event(an_event_payload()) for _ in range(2))
    assert world.behind.paths == [PLATFORM]
    assert by_front.get_json() == by_flask.get_json() == {"received": True}
    # The headers that differ; the server adds one of them.
    different = {"x-request-id", "content-length"}
    assert {
        name: value for name, value in by_front.headers.to_wsgi_list() if name.lower() not in different
    } == {
        name.lower(): value
        for name, value in by_flask.headers.to_wsgi_list()
        if name.lower() not in different
    }


def test_either_way_in_is_counted_alike(world):
    for _ in range(3):
        world.post_event(an_event_payload())
    world.post_event(b"no event")
    shown = world.metrics.render(None).decode()
    assert 'stripe_bridge_webhooks_total{outcome="stored"} 1.0' in shown
    assert 'stripe_bridge_webhooks_total{outcome="duplicate"} 2.0' in shown
    assert 'stripe_bridge_webhooks_total{outcome="refused"} 1.0' in shown
    assert f'route="{PLATFORM}",status="200"}} 3.0' in shown
    assert f'route="{PLATFORM}",status="400"}} 1.0' in shown


def test_a_callers_request_id_comes_back_from_the_front(world):
    world.post_event(an_event_payload())
    world.client.environ_base["HTTP_X_REQUEST_ID"] = "stripe-1"
    assert world.post_event(an_event_payload()).headers["X-Request-Id"] == "stripe-1"
    assert len(world.behind.paths) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_health_is_shown_by_either_way_alike(world, method):
    ask = {"method": method, "headers": {"X-Request-Id": "probe-1"}}
    at_the_front = world.client.open("/healthz", **ask)
    assert world.behind.paths == []
    with world.app.app_context():
        by_flask = Client(world.behind).open("/healthz", **ask)
    assert world.behind.paths == ["/healthz"]
    assert (at_the_front.status_code, at_the_front.data) == (by_flask.status_code, by_flask.data)
    assert {name.lower(): value for name, value in at_the_front.headers} == {
        name.lower(): value for name, value in by_flask.headers
    }
    counted = f'stripe_bridge_request_seconds_count{{method="{method}",route="/healthz",status="200"}} 2.0'
    assert counted in world.metrics.render(None).decode()


def status_while_others_wait(front: FastPath, is_over: threading.Event, waiting: bytes, asked: bytes) -> int:
    """The status of what is asked while three of the others wait, each on a connection of its own, until it is over."""

    async def ask(connection: Connection) -> int:
        sent = [Connection(front) for _ in range(3)]
        for each in sent:
            await each.send([waiting])
        await connection.send([asked])
        ((answer, _),) = await connection.wire.answers()
        assert not any(each.wire.written for each in sent)
        is_over.set()
        for each in sent:
            await each.wire.answers()
            await each.end()
        return answer.status

    return over_connection(front, ask)


def test_health_waits_for_no_thread(world):
    """Otherwise an orchestrator would take a process for dead in a flood of requests."""
    is_over = threading.Event()

    def behind(_environ, start_response):
        is_over.wait(60)
        start_response("200 OK", [("Content-Length", "0")])
        return []

    front = FastPath(behind, None, world.metrics, threads=1, on_shutdown=lambda: None)
    waiting, asked = (f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for path in ("/readyz", "/healthz"))
    assert status_while_others_wait(front, is_over, waiting, asked) == HTTPStatus.OK
    front.close()


@pytest.mark.parametrize(
    "path", [f"{PLATFORM}/", f"{PLATFORM}/x", f"{PLATFORM}x", f"{PLATFORM}/1/2", "/healthz"]
)
def test_no_other_path_is_the_fronts(world, path):
    world.post_event(an_event_payload())
    world.post_event(an_event_payload(), path=path)
    assert world.behind.paths == [PLATFORM, path]


def test_of_a_body_no_more_is_taken_from_the_server_than_shows_that_it_is_too_long(world):
    asked, shown = [], []

    async def receive():
        asked.append(PART)
        return {"type": "http.request", "body": b"x" * PART, "more_body": True}

    async def send(message):
        shown.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/api/stripe/integrations",
        "query_string": b"",
        "headers": [
            (b"authorization", f"Bearer {world.token()}".encode()),
            (b"content-type", b"application/json"),
            (b"transfer-encoding", b"chunked"),
        ],
    }
    asyncio.run(world.front(scope, receive, send))
    assert shown[0]["status"] == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert sum(asked) <= MAX_PAYLOAD_BYTES + PART


def test_webhooks_that_wait_for_the_database_hold_up_no_other_request(world):
    is_back = threading.Event()

    def behind(environ, start_response):
        if environ["PATH_INFO"] == PLATFORM:
            is_back.wait(60)
        return world.behind(environ, start_response)

    front = FastPath(
        behind, world.bridge.webhook_events.receive, world.metrics, threads=1, on_shutdown=lambda: None
    )
    webhook = f"POST {PLATFORM} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode()
    asked = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"
    assert status_while_others_wait(front, is_back, webhook, asked) == HTTPStatus.OK
    front.close()


def test_requests_without_a_credential_hold_up_none_that_has_one(world):
    """Anyone can send a thousand of them at once."""
    is_over = threading.Event()

    def behind(environ, start_response):
        if "HTTP_AUTHORIZATION" not in environ and "HTTP_COOKIE" not in environ:
            is_over.wait(60)
        return world.behind(environ, start_response)

    front = FastPath(behind, None, world.metrics, threads=1, on_shutdown=lambda: None)
    head = "GET /readyz HTTP/1.1\r\nHost: x\r\n"

    async def ask(connection: Connection) -> list[int]:
        sent = [Connection(front) for _ in range(3)]
        for each in sent:
            await each.send([f"{head}\r\n".encode()])
        statuses = []
        for credential in ("Authorization: Bearer x", "Cookie: x=y"):
            connection.wire.written = b""
            await connection.send([f"{head}{credential}\r\n\r\n".encode()])
            ((answer, _),) = await connection.wire.answers()
            statuses.append(answer.status)
        assert not any(each.wire.written for each in sent)
        is_over.set()
        for each in sent:
            await each.wire.answers()
            await each.end()
        return statuses

    assert over_connection(front, ask) == [HTTPStatus.OK, HTTPStatus.OK]
    front.close()


def test_many_requests_without_a_credential_leave_time_for_the_event_loop(world):
    """It waits for each thread that runs Python."""
    began_at: list[float] = []

    def behind(_environ, start_response):
        began_at.append(time.monotonic())
        start_response("200 OK", [("Content-Length", "0")])
        return []

    front = FastPath(behind, None, world.metrics, threads=2, on_shutdown=lambda: None)

    async def ask(_connection: Connection) -> None:
        sent = [Connection(front) for _ in range(100)]
        for each in sent:
            await each.send([b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
        for each in sent:
            await each.wire.answers()
            await each.end()

    sent_at = time.monotonic()
    over_connection(front, ask)
    front.close()
    assert len(began_at) == 100
    assert max(began_at) - sent_at >= 99 * BETWEEN_UNKNOWN


@pytest.fixture
def invoice_path(world):
    """Of a paid invoice."""
    integration = world.connect()
    world.put_order()
    invoice = data_of(world.send(integration["id"]))
    world.pay(invoice)
    world.behind.paths.clear()
    return f"/api/stripe/invoices/{invoice['id']}"


def a_refund(world, path: str, *more: str) -> bytes:
    """Its head. Without a body, all would be refunded."""
    shown = [
        f"Host: bridge.test\r\nAuthorization: Bearer {world.token()}\r\nContent-Type: application/json",
        *more,
    ]
    return "\r\n".join([f"POST {path}/refunds HTTP/1.1", *shown, "", ""]).encode()


@pytest.mark.parametrize("came", [b"", b" "])
def test_a_request_whose_body_breaks_off_is_none(world, invoice_path, came):
    request = a_refund(world, invoice_path, "Content-Length: 25") + came
    over_connection(world.front, lambda connection: connection.send([request]))
    assert world.behind.paths == []
    assert data_of(world.ask("GET", invoice_path))["amount_refunded"] == 0


@pytest.mark.parametrize("length", ["Content-Length: 24", "Transfer-Encoding: chunked"])
def test_a_request_with_a_body_that_would_change_the_protocol_is_refused(world, invoice_path, length):
    """Java's client asks so by default without TLS, and the server's parser does not read the body then."""
    h2c = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk")
    body = b'{"amount_in_cents": 500}'
    body = body if "24" in length else b"18\r\n%b\r\n0\r\n\r\n" % body

    async def ask(connection: Connection) -> int:
        await connection.send([a_refund(world, invoice_path, length, *h2c) + body])
        ((answer, _),) = await connection.wire.answers()
        return answer.status

    assert over_connection(world.front, ask) == HTTPStatus.BAD_REQUEST
    assert data_of(world.ask("GET", invoice_path))["amount_refunded"] == 0


def test_a_request_without_a_body_need_not_change_the_protocol(world):
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"

    async def ask(connection: Connection) -> int:
        await connection.send([request])
        ((answer, _),) = await connection.wire.answers()
        return answer.status

    assert over_connection(world.front, ask) == HTTPStatus.OK


def test_the_application_behind_sees_requests_as_they_came(world):
    """The rest of the API through the front, as the ERP uses it: bodies, queries, refusals."""
    integration = world.connect()
    assert world.ask("GET", "/api/stripe/integrations?per_page=1").status_code == HTTPStatus.OK
    assert world.ask("GET", "/api/stripe/integrations?per_page=x").status_code == 422
    assert world.ask("GET", f"/api/stripe/integrations/{integration['id']}").status_code == HTTPStatus.OK
    assert world.client.get("/nowhere/caf%C3%A9%2F").status_code == HTTPStatus.NOT_FOUND
    assert world.client.get("/healthz", headers={"X_Underscore": "1"}).status_code == HTTPStatus.OK
    head = world.client.head("/healthz")
    assert (head.status_code, head.data) == (HTTPStatus.OK, b"")

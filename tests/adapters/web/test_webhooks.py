from datetime import timedelta
from typing import Any

import pytest

from stripe_bridge.adapters.web.fast_path import FastPath
from stripe_bridge.domain.webhook_event import MAX_PAYLOAD_BYTES
from tests.adapters.web.over_fast_path import PART, OverFront
from tests.adapters.web.world import WEBHOOK_SECRET, World, problem
from tests.builders import an_event_payload
from tests.fakes.stripe.signatures import sign

PATH = "/api/webhooks/stripe"


@pytest.fixture(params=["Flask alone", "the front"])
def world(request):
    """Through the application and through the front, which already knows the platform's secrets and so handles what it can."""
    world: Any = World()
    if request.param == "Flask alone":
        yield world
        return
    front = FastPath(
        world.app.wsgi_app,
        world.bridge.webhook_events.receive,
        world.metrics,
        threads=2,
        on_shutdown=lambda: None,
    )
    world.app.wsgi_app = OverFront(front)
    world.post_event(b"signed, and no event")
    yield world
    front.close()


def stored(world):
    return list(world.store.committed.events.rows.values())


def test_a_signed_event_is_stored_byte_by_byte_and_acknowledged(world):
    payload = an_event_payload()
    answer = world.post_event(payload)
    assert (answer.status_code, answer.get_json()) == (200, {"received": True})
    (event,) = stored(world)
    assert event.payload == payload
    assert world.nudges.waiting == ["drain_inbox"]


def test_the_same_event_again_is_welcome_and_stored_once(world):
    for _ in range(2):
        assert world.post_event(an_event_payload()).status_code == 200
    assert len(stored(world)) == 1


def test_whatever_content_type_it_says_only_the_bytes_count(world):
    payload = an_event_payload()
    for content_type in (
        "application/json; charset=utf-8",
        "text/plain",
        "application/x-www-form-urlencoded",
    ):
        answer = world.client.post(
            PATH,
            data=payload,
            content_type=content_type,
            headers={"Stripe-Signature": sign(payload, WEBHOOK_SECRET, world.clock.now())},
        )
        assert answer.status_code == 200


@pytest.mark.parametrize("header", [None, "", "t=1,v1=", "t=x", "v1=abc", "\xff"])
def test_what_is_not_signed_is_refused_and_not_stored(world, header):
    headers = {} if header is None else {"Stripe-Signature": header}
    answer = world.client.post(PATH, data=an_event_payload(), headers=headers)
    assert problem(answer, 400)["message"] == "The Stripe signature is missing, wrong or too old."
    assert stored(world) == []


def test_another_secret_an_old_signature_and_a_changed_body_are_refused_alike(world):
    payload = an_event_payload()
    old = sign(payload, WEBHOOK_SECRET, world.clock.now() - timedelta(minutes=6))
    wrong = sign(payload, "whsec_other", world.clock.now())
    good = sign(payload, WEBHOOK_SECRET, world.clock.now())
    for body, header in ((payload, old), (payload, wrong), (payload + b" ", good)):
        problem(world.client.post(PATH, data=body, headers={"Stripe-Signature": header}), 400)
    assert stored(world) == []


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xff\xfe", b"{", b"[]", b"null", b'{"object": "event"}', b"[" * 100_000, b'{"id": NaN}'],
)
def test_a_signed_body_that_is_no_event_is_refused(world, payload):
    assert "not a Stripe event" in problem(world.post_event(payload), 400)["message"]
    assert stored(world) == []


def test_a_body_over_the_limit_is_not_read_to_its_end(world):
    payload = b" " * (MAX_PAYLOAD_BYTES + 1)
    answer = world.post_event(payload)
    assert problem(answer, 413)["message"] == "The body is larger than 1048576 bytes."


def test_a_body_of_exactly_the_limit_is_taken(world):
    payload = an_event_payload(padding="x")
    payload = an_event_payload(padding="x" * (MAX_PAYLOAD_BYTES - len(payload) + 1))
    assert len(payload) == MAX_PAYLOAD_BYTES
    assert world.post_event(payload).status_code == 200


class Chunks:
    """A body without a length, which counts how much of it was read."""

    def __init__(self, size):
        self.left, self.given = size, 0

    def read(self, size=-1):
        size = self.left if size < 0 else min(size, self.left)
        self.left -= size
        self.given += size
        return b"x" * size

    readline = read


@pytest.mark.parametrize("path", [PATH, "/api/stripe/integrations"])
def test_a_chunked_body_is_read_only_as_far_as_the_limit(world, path):
    body = Chunks(50 * MAX_PAYLOAD_BYTES)
    environ = {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    headers = {"Authorization": f"Bearer {world.token()}", "Transfer-Encoding": "chunked"}
    answer = world.client.post(
        path, environ_overrides=environ, headers=headers, content_type="application/json"
    )
    problem(answer, 413)
    # Through the front it comes in parts, of which the server still holds some when the application stops reading.
    assert body.given <= MAX_PAYLOAD_BYTES + 4 * PART


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"event_type": "customer.created"}, "unknown_type"),
        ({"livemode": True}, "other_livemode"),
    ],
)
def test_a_verified_event_that_concerns_nothing_here_is_stored_and_skipped(world, members, reason):
    assert world.post_event(an_event_payload(**members)).status_code == 200
    (event,) = stored(world)
    assert (event.status.value, event.skip_reason.value) == ("skipped", reason)


def test_an_integration_has_a_receiver_only_when_it_has_one(world):
    integration = world.connect()
    for integration_id in (integration["id"], 999):
        answer = world.post_event(an_event_payload(), path=f"{PATH}/{integration_id}")
        assert problem(answer, 404)["message"] == "Webhook receiver not found."


def test_an_event_of_another_account_at_an_integrations_own_receiver_is_skipped(world):
    integration = world.connect()
    world.bridge.receivers.attach(integration_id=integration["id"], secret="whsec_own")
    path = f"{PATH}/{integration['id']}"
    problem(world.post_event(an_event_payload(), path=path), 400)
    answer = world.post_event(an_event_payload(account="acct_other"), path=path, secret="whsec_own")
    assert answer.status_code == 200
    (event,) = stored(world)
    assert event.skip_reason.value == "other_account"


def test_stripe_comes_again_when_the_store_is_away(world):
    world.store.is_available = False
    answer = world.post_event(an_event_payload())
    assert problem(answer, 503)["message"] == "The service is temporarily unavailable."
    assert int(answer.headers["Retry-After"]) > 0

"""Bad input to the API gets one precise answer and changes nothing."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import stripe

from stripe_bridge.domain.access import Role
from tests.journeys.combinations import POSTGRES, SQLITE, on
from tests.journeys.people import ORDER, Erp, Json, browser, problem
from tests.journeys.stack import WEBHOOK_SECRET, Stack
from tests.journeys.traces import Traces
from tests.waiting import wait_until

pytestmark = on(SQLITE, POSTGRES)

LIMIT = 1024 * 1024
OUTSTANDING, WITHOUT_EMAIL, NOTHING_OWED, TINY, INVOICED = 1, 2, 3, 4, 5


@dataclass
class Scene:
    """Two tenants with everything that a request can be wrong about."""

    stack: Stack
    erp: Erp
    other: Erp
    active: Json
    restricted: Json
    disconnected: Json
    foreign: Json
    foreign_invoice: Json
    revoked_token: str

    def with_token(self, token: str | None) -> requests.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.erp.http.get(f"{self.stack.url}/api/stripe/integrations", headers=headers, timeout=60)

    def raw(
        self, data: bytes, content_type: str = "application/json", path: str = "/api/stripe/integrations"
    ) -> requests.Response:
        return self.erp.ask("POST", path, data=data, headers={"Content-Type": content_type})

    def send_body(self, **body: Any) -> requests.Response:
        given = {"integration_instance_id": self.active["id"], "sales_order_id": OUTSTANDING, **body}
        return self.erp.ask("POST", "/api/stripe/invoices", given, role=Role.MEMBER)

    def webhook(
        self, payload: bytes, signature: str | None = None, path: str = "/api/webhooks/stripe"
    ) -> requests.Response:
        headers = {} if signature is None else {"Stripe-Signature": signature}
        return self.erp.http.post(f"{self.stack.url}{path}", data=payload, headers=headers, timeout=60)


@pytest.fixture(scope="module")
def scene(stack: Stack) -> Iterator[Scene]:
    with browser() as http:
        erp, other = Erp(stack, http), Erp(stack, http)
        active, restricted, disconnected = erp.connect(), erp.connect(), erp.connect()
        stack.control.change_account(restricted["stripe_account_id"], {"charges_enabled": False})
        erp.disconnect(disconnected["id"])
        erp.new_order(OUTSTANDING)
        erp.new_order(WITHOUT_EMAIL, customer={**ORDER["customer"], "email": None})
        erp.new_order(NOTHING_OWED, paid_elsewhere_in_cents=12_450)
        erp.simple_order(TINY, "usd", 49)
        erp.new_order(INVOICED)
        erp.sent(active, INVOICED)
        foreign = other.connect()
        other.new_order(9_000)
        foreign_invoice = other.sent(foreign, 9_000)
        issued = stack.operator.access.create_token(
            tenant_id=erp.tenant, role=Role.ADMIN, user_id=None, label="lost"
        )
        stack.operator.access.revoke_token(issued.token.id)
        path = f"/api/stripe/integrations/{restricted['id']}"
        wait_until(lambda: erp.get(path)["sync_status"] == "restricted")
        yield Scene(
            stack, erp, other, active, restricted, disconnected, foreign, foreign_invoice, issued.secret
        )


def an_event(**members: Any) -> bytes:
    event = {
        "id": f"evt_{time.monotonic_ns()}",
        "object": "event",
        "api_version": stripe.api_version,
        "created": int(time.time()),
        "livemode": False,
        "type": "invoice.paid",
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "data": {"object": {"id": "in_unknown", "object": "invoice", "status": "paid"}},
        **members,
    }
    return json.dumps(event).encode()


def signed(payload: bytes, secret: str = WEBHOOK_SECRET, age: int = 0) -> str:
    timestamp = int(time.time()) - age
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


Ask = Callable[[Scene], requests.Response]

CREDENTIALS: dict[str, tuple[Ask, int, str]] = {
    "no token": (lambda s: s.with_token(None), 401, "Unauthenticated."),
    "an unknown token": (lambda s: s.with_token("sbt_nobody"), 401, "Unauthenticated."),
    "a revoked token": (lambda s: s.with_token(s.revoked_token), 401, "Unauthenticated."),
    "a viewer who sends": (
        lambda s: s.erp.send(s.active, OUTSTANDING, role=Role.VIEWER),
        403,
        "This action is unauthorized.",
    ),
    "a member who connects": (
        lambda s: s.erp.ask("POST", "/api/stripe/integrations", {"name": "Mine"}, role=Role.MEMBER),
        403,
        "This action is unauthorized.",
    ),
    "a member who disconnects": (
        lambda s: s.erp.ask(
            "POST", f"/api/stripe/integrations/{s.active['id']}/disconnect", role=Role.MEMBER
        ),
        403,
        "This action is unauthorized.",
    ),
    "a member who writes an order": (
        lambda s: s.erp.ask("PUT", "/api/sales-orders/77", ORDER, role=Role.MEMBER),
        403,
        "This action is unauthorized.",
    ),
    "another tenant's integration": (
        lambda s: s.erp.ask("GET", f"/api/stripe/integrations/{s.foreign['id']}"),
        404,
        "Stripe integration not found.",
    ),
    "disconnecting another tenant's": (
        lambda s: s.erp.ask("POST", f"/api/stripe/integrations/{s.foreign['id']}/disconnect"),
        404,
        "Stripe integration not found.",
    ),
    "authorizing another tenant's": (
        lambda s: s.erp.ask("POST", f"/api/stripe/integrations/{s.foreign['id']}/authorize"),
        404,
        "Stripe integration not found.",
    ),
    "sending through another tenant's": (
        lambda s: s.erp.send(s.foreign, OUTSTANDING),
        404,
        "Stripe integration not found.",
    ),
    "another tenant's order": (
        lambda s: s.erp.ask("GET", "/api/sales-orders/9000"),
        404,
        "Sales order not found.",
    ),
    "sending another tenant's order": (
        lambda s: s.erp.send(s.active, 9_000),
        404,
        "Sales order not found.",
    ),
    "another tenant's invoice": (
        lambda s: s.erp.ask("GET", f"/api/stripe/invoices/{s.foreign_invoice['id']}"),
        404,
        "Invoice not found.",
    ),
}
INVALID = "The given data was invalid."
BODIES: dict[str, tuple[Ask, int, str]] = {
    "no JSON": (lambda s: s.raw(b'{"name": '), 400, "The request is malformed."),
    "JSON with a name twice": (
        lambda s: s.raw(b'{"name": "a", "name": "b"}'),
        400,
        "The request is malformed.",
    ),
    "not UTF-8": (lambda s: s.raw(b'{"name": "\xff"}'), 400, "The request is malformed."),
    "another content type": (
        lambda s: s.raw(b"name=Mine", "application/x-www-form-urlencoded"),
        415,
        "The body must be application/json.",
    ),
    "no object": (lambda s: s.raw(b'["Mine"]'), 422, INVALID),
    "nothing": (lambda s: s.raw(b""), 422, INVALID),
    "too large": (
        lambda s: s.raw(b'{"name": "' + b"x" * LIMIT + b'"}'),
        413,
        f"The body is larger than {LIMIT} bytes.",
    ),
    "an unknown field": (lambda s: s.raw(b'{"name": "Mine", "color": "red"}'), 422, INVALID),
    "an unknown query parameter": (
        lambda s: s.erp.ask("GET", "/api/stripe/integrations?colour=red"),
        422,
        INVALID,
    ),
    "an amount as text": (lambda s: s.send_body(amount_in_cents="5"), 422, INVALID),
    "an amount with a fraction": (lambda s: s.send_body(amount_in_cents=500.5), 422, INVALID),
    "an amount that is true": (lambda s: s.send_body(amount_in_cents=True), 422, INVALID),
    "an amount of nothing": (lambda s: s.send_body(amount_in_cents=0), 422, INVALID),
    "an email that is none": (lambda s: s.send_body(customer_email="jenny"), 422, INVALID),
    "an id that is none": (
        lambda s: s.erp.ask("GET", "/api/stripe/integrations/one"),
        404,
        "There is nothing at this address.",
    ),
    "another method": (
        lambda s: s.erp.ask("DELETE", f"/api/stripe/integrations/{s.active['id']}"),
        405,
        "The method is not allowed at this address.",
    ),
}
ORDERS: dict[str, tuple[Ask, int, str]] = {
    "lines that do not add up": (
        lambda s: s.erp.put_order(50, total_in_cents=12_451),
        422,
        "The lines sum to 12450, not to the total of 12451.",
    ),
    "an unknown currency": (
        lambda s: s.erp.put_order(50, currency="xyz"),
        422,
        "Stripe does not charge in the currency 'XYZ'.",
    ),
    "a currency without that fraction": (
        lambda s: s.erp.put_order(50, currency="isk"),
        422,
        "Stripe charges ISK only in multiples of 100 minor units.",
    ),
    "an older copy": (
        lambda s: s.erp.put_order(OUTSTANDING, number="SO-1", updated_at="2020-01-01T00:00:00Z"),
        409,
        "The stored copy of this sales order is newer, or equally new but different.",
    ),
    "another currency under an open invoice": (
        lambda s: s.erp.put_order(INVOICED, currency="eur"),
        422,
        "The sales order has an invoice in USD that is not void.",
    ),
    "no such order": (lambda s: s.erp.send(s.active, 404), 404, "Sales order not found."),
    "no such integration": (
        lambda s: s.send_body(integration_instance_id=10**9),
        404,
        "Stripe integration not found.",
    ),
    "no email": (
        lambda s: s.erp.send(s.active, WITHOUT_EMAIL),
        422,
        "The sales order's customer has no email, and none was given.",
    ),
    "nothing outstanding": (
        lambda s: s.erp.send(s.active, NOTHING_OWED),
        422,
        "The sales order has nothing outstanding.",
    ),
    "under Stripe's minimum": (
        lambda s: s.erp.send(s.active, TINY),
        422,
        "The amount 49 is below Stripe's minimum charge of 50 for USD.",
    ),
    "over the outstanding balance": (
        lambda s: s.send_body(amount_in_cents=12_451),
        422,
        "The amount 12451 is above the outstanding balance of 12450.",
    ),
    "a disconnected integration": (
        lambda s: s.erp.send(s.disconnected, OUTSTANDING),
        422,
        "Stripe integration is not connected.",
    ),
    "a restricted integration": (
        lambda s: s.erp.send(s.restricted, OUTSTANDING),
        422,
        "Stripe integration cannot accept payments yet.",
    ),
    "connected already": (
        lambda s: s.erp.ask("POST", f"/api/stripe/integrations/{s.active['id']}/authorize"),
        409,
        "Stripe integration is already connected.",
    ),
}
UNSIGNED = "The Stripe signature is missing, wrong or too old."
NO_EVENT = "The payload is not a Stripe event"


def _signed(s: Scene, payload: bytes, **how: Any) -> requests.Response:
    return s.webhook(payload, signed(payload, **how))


WEBHOOKS: dict[str, tuple[Ask, int, str]] = {
    "no signature": (lambda s: s.webhook(an_event()), 400, UNSIGNED),
    "a wrong signature": (lambda s: _signed(s, an_event(), secret="whsec_other"), 400, UNSIGNED),
    "an old signature": (lambda s: _signed(s, an_event(), age=301), 400, UNSIGNED),
    "the signature of another body": (lambda s: s.webhook(an_event(), signed(b"{}")), 400, UNSIGNED),
    "no JSON, signed": (lambda s: _signed(s, b'{"id": '), 400, NO_EVENT),
    "not UTF-8, signed": (lambda s: _signed(s, b'{"id": "\xff"}'), 400, f"{NO_EVENT}: not UTF-8."),
    "no event, signed": (lambda s: _signed(s, b"[]"), 400, NO_EVENT),
    "over the limit": (
        lambda s: _signed(s, b" " * (LIMIT + 1)),
        413,
        f"The body is larger than {LIMIT} bytes.",
    ),
    "an integration without its own receiver": (
        lambda s: s.webhook(an_event(), signed(b"{}"), f"/api/webhooks/stripe/{s.active['id']}"),
        404,
        "Webhook receiver not found.",
    ),
}
CASES = CREDENTIALS | BODIES | ORDERS | WEBHOOKS


@pytest.mark.parametrize("name", CASES)
def test_bad_input_gets_its_answer_and_changes_nothing(scene: Scene, traces: Traces, name: str):
    ask, status, message = CASES[name]
    before = traces.all()
    answer = problem(ask(scene), status)
    assert answer["message"].startswith(message)
    assert traces.all() == before


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"account": "acct_of_nobody"}, "no_integration"),
        ({"livemode": True}, "other_livemode"),
        ({"type": "customer.tax_id.created"}, "unknown_type"),
    ],
)
def test_a_verified_event_that_is_not_for_us_is_stored_skipped_and_changes_nothing(
    scene: Scene, traces: Traces, members: Json, reason: str
):
    payload = an_event(**{"account": scene.active["stripe_account_id"], **members})
    before = traces.all()
    for _ in range(2):
        answer = scene.webhook(payload, signed(payload))
        assert (answer.status_code, answer.json()) == (200, {"received": True})
    after = traces.all()
    new = after["table webhook_events"].pop()
    assert after == before
    assert (new["status"], new["skip_reason"]) == ("skipped", reason)
    assert new["stripe_event_id"] == json.loads(payload)["id"]


def test_an_event_at_another_accounts_own_door_is_stored_skipped_and_not_in_the_way_of_the_right_one(
    scene: Scene, traces: Traces
):
    secret = f"whsec_own_{scene.active['id']}"
    scene.stack.operator.receivers.attach(scene.active["id"], secret)
    payload = an_event(account=scene.foreign["stripe_account_id"])
    before = traces.all()
    path = f"/api/webhooks/stripe/{scene.active['id']}"
    assert problem(scene.webhook(payload, signed(payload), path), 400)["message"] == UNSIGNED
    assert scene.webhook(payload, signed(payload, secret), path).status_code == 200
    after = traces.all()
    new = after["table webhook_events"].pop()
    assert after == before
    assert (new["skip_reason"], new["account_id"]) == ("other_account", scene.active["stripe_account_id"])

"""The service's HTTP interface over the real bridge, with a store, a Stripe and a clock in memory."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask.testing import FlaskClient
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.test import TestResponse

from stripe_bridge.adapters.metrics import PrometheusMetrics
from stripe_bridge.adapters.stripe_gateway.snapshots import StripeSnapshots
from stripe_bridge.adapters.web import WebOptions, create_app
from stripe_bridge.adapters.web.app import operations_by_endpoint
from stripe_bridge.adapters.web.endpoints import Credential, Operation
from stripe_bridge.adapters.web.problem_types import by_status
from stripe_bridge.adapters.web.problems import type_of
from stripe_bridge.bootstrap.use_cases import build_bridge
from stripe_bridge.config import Settings
from stripe_bridge.domain.access import Role
from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.ports.sign_in_provider import SignInProvider
from tests.builders import an_event_payload
from tests.fakes.deliveries import FakeDeliveries
from tests.fakes.nudges import FakeNudges
from tests.fakes.own_address import FakeOwnAddress
from tests.fakes.signer import FakeSigner
from tests.fakes.storage.inbox import FakeEventIngest
from tests.fakes.storage.unit_of_work import FakeStore
from tests.fakes.stripe.connect import FakeConnectGateway
from tests.fakes.stripe.events import FakeEventGateway
from tests.fakes.stripe.fake_stripe import FakeStripe
from tests.fakes.stripe.invoices import FakeInvoiceGateway
from tests.fakes.stripe.payloads import charge_object, invoice_object, payment_object
from tests.fakes.stripe.probe import FakeStripeProbe
from tests.fakes.stripe.receivers import FakeReceiverGateway
from tests.fakes.stripe.refunds import FakeRefundGateway
from tests.fakes.stripe.signatures import FakeSignatures, sign
from tests.fakes.system import FixedRandomness, FrozenClock, SequentialIdentifiers
from tests.fakes.vault import FakeVault

PUBLIC_URL = "https://bridge.test"
ERP = "https://erp.example.com"
WEBHOOK_SECRET = "whsec_platform"
ENVIRONMENT = {
    "PUBLIC_URL": PUBLIC_URL,
    "STRIPE_SECRET_KEY": "sk_test_1",
    "STRIPE_CLIENT_ID": "ca_1",
    "ENCRYPTION_KEYS": "hvXJ0i0mAvrhD8J4qQ0o5cH1vWmYd0v2bq9wYHk0l3E=",
    "STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
}
ORDER: dict[str, Any] = {
    "number": "SO-1001",
    "currency": "eur",
    "total_in_cents": 12_000,
    "customer": {"id": 77, "name": "Jenny Rosen", "email": "jenny@example.com"},
    "lines": [
        {"description": "Oak table", "quantity": "1", "amount_in_cents": 12_500},
        {"description": "Discount", "quantity": 1, "amount_in_cents": -500},
    ],
    "updated_at": "2026-11-23T10:00:00Z",
}


class CheckingClient(FlaskClient):
    """Holds each problem that an operation answers with against those that it declares."""

    def open(self, *arguments: Any, **named: Any) -> TestResponse:
        answer = super().open(*arguments, **named)
        if answer.content_type == "application/problem+json":
            self._check(answer)
        return answer

    def _check(self, answer: TestResponse) -> None:
        asked = answer.request
        try:
            endpoint, _ = self.application.url_map.bind("").match(asked.path, method=asked.method)
        except (NotFound, MethodNotAllowed):
            return
        operation = operations_by_endpoint().get(endpoint)
        if operation is not None and asked.method == operation.method:
            declared = by_status(operation.all_problems).get(HTTPStatus(answer.status_code), ())
            answered = answer.get_json()["type"]
            assert answered in map(type_of, declared), f"{operation.id}: {answered} is not declared"


class World:
    """`ask` makes requests of the tenant `acme` with the given role, by default admin."""

    def __init__(self, *, sign_in_provider: SignInProvider | None = None, **options: Any) -> None:
        self.clock = FrozenClock()
        self.store = FakeStore()
        self.stripe = FakeStripe(self.clock.now)
        self.nudges = FakeNudges()
        self.deliveries = FakeDeliveries(lambda: self.store.is_open_here)
        self.metrics = PrometheusMetrics()
        adapters = Adapters(
            store=self.store,
            event_ingest=FakeEventIngest(self.store),
            clock=self.clock,
            randomness=FixedRandomness(),
            identifiers=SequentialIdentifiers(),
            vault=FakeVault(),
            signer=FakeSigner(),
            nudges=self.nudges,
            signatures=FakeSignatures(self.clock.now),
            snapshots=StripeSnapshots(),
            connect_gateway=FakeConnectGateway(self.stripe),
            invoice_gateway=FakeInvoiceGateway(self.stripe),
            receiver_gateway=FakeReceiverGateway(self.stripe),
            refund_gateway=FakeRefundGateway(self.stripe),
            event_gateway=FakeEventGateway(self.stripe),
            stripe_probe=FakeStripeProbe(self.stripe),
            own_address=FakeOwnAddress(),
            deliveries=self.deliveries,
            metrics=self.metrics,
            sign_in_provider=sign_in_provider,
        )
        self.bridge = build_bridge(Settings.from_env(ENVIRONMENT), adapters)
        self._options = WebOptions(**{"public_url": PUBLIC_URL, **options})
        self._tokens: dict[tuple[str, Role], str] = {}
        self.serve()

    def serve(self) -> None:
        """As a new process does, which has counted no requests yet."""
        self.app = create_app(self.bridge, options=self._options, metrics=self.metrics)
        self.app.test_client_class = CheckingClient
        self.client: FlaskClient = self.app.test_client()

    @contextmanager
    def undoing(self) -> Iterator[None]:
        """What is done meanwhile, here and at Stripe, is undone at the end."""
        kept = {id(each): each for each in (self.stripe, self.clock)}
        before, at_stripe = self.store.committed, deepcopy(self.stripe.accounts, kept)
        yield
        self.store.committed, self.stripe.accounts = before, at_stripe

    def token(self, role: Role = Role.ADMIN, tenant: str = "acme") -> str:
        if (tenant, role) not in self._tokens:
            issued = self.bridge.access.create_token(tenant_id=tenant, role=role, user_id=7, label="test")
            self._tokens[tenant, role] = issued.secret
        return self._tokens[tenant, role]

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        role: Role = Role.ADMIN,
        tenant: str = "acme",
        token: str | None = None,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
        content_type: str | None = "application/json",
    ) -> TestResponse:
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        bearer = token or self.token(role, tenant)
        return self.client.open(
            path,
            method=method,
            data=data,
            content_type=content_type if data is not None else None,
            headers={"Authorization": f"Bearer {bearer}", **(headers or {})},
        )

    def panel_session(
        self,
        role: Role = Role.ADMIN,
        tenant: str = "acme",
        *,
        order_id: int = 1001,
        origin: str = ERP,
        **more: Any,
    ) -> str:
        """The token of a new session of the ERP's page."""
        body = {"sales_order_id": order_id, "origin": origin, **more}
        answer = self.ask("POST", "/api/panel-sessions", body, role=role, tenant=tenant)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        token: str = data_of(answer)["token"]
        return token

    def credential(self, operation: Operation, role: Role) -> dict[str, Any]:
        """What `ask` needs to call the operation as this role: a token, or a session that it created."""
        if operation.credential is Credential.PANEL_SESSION:
            return {"token": self.panel_session(role), "headers": {"Origin": ERP}}
        return {"role": role}

    def ask_from_page(
        self, method: str, path: str, body: Any = None, *, session: str, **headers: str
    ) -> TestResponse:
        """What the panel in the ERP's page does."""
        return self.ask(method, path, body, token=session, headers={"Origin": ERP, **headers})

    def post_event(
        self, payload: bytes, *, secret: str = WEBHOOK_SECRET, path: str = "/api/webhooks/stripe"
    ) -> TestResponse:
        signature = sign(payload, secret, self.clock.now())
        return self.client.post(path, data=payload, headers={"Stripe-Signature": signature})

    def create_integration(self, name: str = "Rosen Furniture") -> dict[str, Any]:
        created: dict[str, Any] = data_of(self.ask("POST", "/api/stripe/integrations", {"name": name}))
        return created

    def authorize(self, integration_id: int, body: Any = None) -> str:
        """Start an authorization; returns the `state` that the merchant takes to Stripe."""
        answer = self.ask("POST", f"/api/stripe/integrations/{integration_id}/authorize", body)
        url: str = data_of(answer)["authorize_url"]
        return parse_qs(urlsplit(url).query)["state"][0]

    def connect(self, **account: Any) -> dict[str, Any]:
        """A new integration, connected to a new account."""
        integration_id = self.create_integration()["id"]
        state = self.authorize(integration_id)
        self.come_back(state=state, code=self.stripe.consent(**account))
        shown: dict[str, Any] = data_of(self.ask("GET", f"/api/stripe/integrations/{integration_id}"))
        return shown

    def come_back(self, **query: str) -> TestResponse:
        """The merchant's browser, back from Stripe."""
        return self.client.get("/api/stripe/oauth/callback", query_string=query)

    def put_order(self, order_id: int = 1001, **changes: Any) -> TestResponse:
        return self.ask("PUT", f"/api/sales-orders/{order_id}", ORDER | changes)

    def pay(self, invoice: dict[str, Any]) -> None:
        """The customer pays, Stripe tells us, and it is applied."""
        account_id, stripe_id = invoice["stripe_account_id"], invoice["stripe_invoice_id"]
        self.stripe.pay(account_id, stripe_id)
        paid = self.stripe.accounts[account_id].invoices[stripe_id]
        payload = an_event_payload("invoice.paid", invoice_object(paid), account=account_id)
        assert self.post_event(payload).status_code == 200
        self.bridge.webhook_events.apply()

    def tell_of_payments(self, invoice: dict[str, Any]) -> None:
        """The events of the invoice's payments and their charges come in, and are applied."""
        account_id = invoice["stripe_account_id"]
        account = self.stripe.accounts[account_id]
        for payment in account.payments_of(invoice["stripe_invoice_id"]):
            if payment.charge_id is not None:
                charge = charge_object(account.charges.charges[payment.charge_id], None)
                for type_, object_ in (
                    ("charge.succeeded", charge),
                    ("invoice_payment.paid", payment_object(payment)),
                ):
                    id_ = f"evt_{type_}_{payment.id}"
                    self.post_event(an_event_payload(type_, object_, id_=id_, account=account_id))
        self.bridge.webhook_events.apply()

    def send(self, integration_id: int, order_id: int = 1001, **more: Any) -> TestResponse:
        body = {"integration_instance_id": integration_id, "sales_order_id": order_id, **more}
        return self.ask("POST", "/api/stripe/invoices", body)


def data_of(answer: TestResponse) -> Any:
    return answer.get_json()["data"]


def problem(answer: TestResponse, status: int) -> dict[str, Any]:
    """The body of a failure, which must be a problem as the contract says."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.content_type == "application/problem+json"
    body: dict[str, Any] = answer.get_json()
    assert body.keys() - {"errors", "stripe"} == {
        "type",
        "title",
        "status",
        "detail",
        "message",
        "request_id",
    }
    assert body["status"] == status
    assert body["request_id"] == answer.headers["X-Request-Id"]
    return body

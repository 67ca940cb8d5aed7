"""The people in the journeys: a tenant's ERP, the merchant with a browser, and the customer."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from stripe_bridge.domain.access import Role
from tests.journeys.contract import hold
from tests.journeys.stack import Stack
from tests.waiting import wait_until

Json = dict[str, Any]

ORDER: Json = {
    "number": "SO-1001",
    "currency": "usd",
    "total_in_cents": 12_450,
    "customer": {"id": 77, "name": "Jenny Rosen", "email": "jenny@example.com"},
    "lines": [
        {"description": "Oak table", "quantity": "1", "amount_in_cents": 9_900},
        {"description": "Oak chair", "quantity": "2", "amount_in_cents": 3_000},
        {"description": "Loyalty discount", "quantity": "1", "amount_in_cents": -450},
    ],
}
_TENANTS = itertools.count(1)
_TIMEOUT = 60
_FINISHED = {"processed", "skipped", "failed"}


@contextmanager
def browser() -> Iterator[requests.Session]:
    with requests.Session() as http:
        http.trust_env = False
        yield http


@dataclass
class Erp:
    """A tenant's ERP. It uses a power user's token unless told otherwise."""

    stack: Stack
    http: requests.Session
    tenant: str = field(default_factory=lambda: f"tenant-{next(_TENANTS)}")
    _tokens: dict[Role, str] = field(default_factory=dict, repr=False)
    _edits: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False)

    def token(self, role: Role = Role.POWER_USER) -> str:
        if role not in self._tokens:
            self._tokens[role] = self.new_token(role)
        return self._tokens[role]

    def new_token(self, role: Role = Role.POWER_USER) -> str:
        issued = self.stack.operator.access.create_token(
            tenant_id=self.tenant, role=role, user_id=17, label=""
        )
        return issued.secret

    def ask(
        self, method: str, path: str, body: Any = None, *, role: Role = Role.POWER_USER, **how: Any
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token(role)}", **how.pop("headers", {})}
        answer = self.http.request(
            method, self.stack.url + path, json=body, headers=headers, timeout=_TIMEOUT, **how
        )
        hold(self.stack.url, answer)
        return answer

    def get(self, path: str) -> Any:
        return data_of(self.ask("GET", path), 200)

    def create_integration(self, name: str = "Rosen Furniture") -> Json:
        created: Json = data_of(self.ask("POST", "/api/stripe/integrations", {"name": name}), 201)
        return created

    def authorize(self, integration_id: int, body: Any = None) -> str:
        """Start an authorization; returns where to send the merchant."""
        answer = data_of(self.ask("POST", f"/api/stripe/integrations/{integration_id}/authorize", body), 200)
        url: str = answer["authorize_url"]
        return url

    def integration(self, integration_id: int) -> Json:
        shown: Json = self.get(f"/api/stripe/integrations/{integration_id}")
        return shown

    def connect(self, integration_id: int | None = None, account: str | None = None) -> Json:
        """Connect an integration to an account, each a new one by default; returns the integration."""
        if integration_id is None:
            integration_id = self.create_integration()["id"]
        page = self.come_back(self.approve(self.authorize(integration_id), account))
        assert page.status_code == 200, page.text
        integration = self.integration(integration_id)
        assert integration["connected"]
        return integration

    def to_confirm(self, integration_id: int) -> str:
        """The confirmation on the page that the merchant sees after agreeing at Stripe."""
        page = self.come_back(self.approve(self.authorize(integration_id, {"confirm": True})))
        assert self.tenant in page.text
        return confirmation_in(page)

    def disconnect(self, integration_id: int) -> Json:
        answer = self.ask("POST", f"/api/stripe/integrations/{integration_id}/disconnect")
        shown: Json = data_of(answer, 200)
        return shown

    def approve(self, authorize_url: str, account: str | None = None) -> str:
        """The merchant agrees; returns where Stripe sends the browser next."""
        return self._decide(authorize_url, {"decision": "approve", "account": account or ""})

    def deny(self, authorize_url: str) -> str:
        return self._decide(authorize_url, {"decision": "deny"})

    def come_back(self, url: str) -> requests.Response:
        """The merchant's browser follows Stripe's redirect."""
        return self.http.get(url, timeout=_TIMEOUT)

    def _decide(self, authorize_url: str, form: dict[str, str]) -> str:
        answer = self.http.post(authorize_url, data=form, allow_redirects=False, timeout=_TIMEOUT)
        assert answer.is_redirect, answer.text
        return answer.headers["Location"]

    def put_order(self, order_id: int = 1001, **changes: Any) -> requests.Response:
        """Submit an order. Each submission is newer than the one before."""
        edited_at = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=next(self._edits))
        order = {**ORDER, "updated_at": edited_at.isoformat(), **changes}
        return self.ask("PUT", f"/api/sales-orders/{order_id}", order)

    def new_order(self, order_id: int = 1001, **changes: Any) -> Json:
        stored: Json = data_of(self.put_order(order_id, **changes), 201)
        return stored

    def simple_order(self, order_id: int, currency: str, total: int, **changes: Any) -> Json:
        """Submit an order with one line."""
        lines = [{"description": "Oak table", "quantity": "1", "amount_in_cents": total}]
        given = {"currency": currency, "total_in_cents": total, "lines": lines, **changes}
        return self.new_order(order_id, **given)

    def order(self, order_id: int = 1001) -> Json:
        shown: Json = self.get(f"/api/sales-orders/{order_id}")
        return shown

    def send(
        self, integration: Json, order_id: int = 1001, *, role: Role = Role.MEMBER, **more: Any
    ) -> requests.Response:
        body = {"integration_instance_id": integration["id"], "sales_order_id": order_id, **more}
        return self.ask("POST", "/api/stripe/invoices", body, role=role)

    def sent(self, integration: Json, order_id: int = 1001, **more: Any) -> Json:
        """Send an invoice; returns it."""
        invoice: Json = data_of(self.send(integration, order_id, **more), 201)
        return invoice

    def invoice(self, invoice: Json) -> Json:
        """The invoice as it is now."""
        shown: Json = self.get(f"/api/stripe/invoices/{invoice['id']}")
        return shown

    def invoice_with(self, invoice: Json, **expected: Any) -> Json:
        """Wait until webhooks have given these fields these values; returns the invoice."""

        def look() -> Json | None:
            shown = self.invoice(invoice)
            return shown if shown == {**shown, **expected} else None

        try:
            return wait_until(look) or {}
        except AssertionError:
            shown = self.invoice(invoice)
            assert {name: shown[name] for name in expected} == expected
            raise

    def paid(self, integration: Json, order_id: int = 1001, **more: Any) -> Json:
        """A new invoice for the order that the customer has paid, with all events of that applied."""
        invoice = self.sent(integration, order_id, **more)
        self.stack.control.pay(invoice["stripe_invoice_id"])
        self.invoice_with(invoice, status="paid")
        self.applied(invoice, "invoice.paid", "charge.succeeded", "invoice_payment.paid")
        return self.invoice(invoice)

    def activity(self, invoice: Json) -> list[Json]:
        events: list[Json] = self.get(f"/api/stripe/invoices/{invoice['id']}/activity-log")
        return events

    def listed(self, **query: Any) -> list[Json]:
        """The tenant's invoices."""
        found: list[Json] = data_of(self.ask("GET", "/api/stripe/invoices", params=query), 200)
        return found

    def void(self, invoice: Json) -> requests.Response:
        return self.ask("POST", f"/api/stripe/invoices/{invoice['id']}/void", role=Role.MEMBER)

    def refund(self, invoice: Json, **body: Any) -> requests.Response:
        return self.ask("POST", f"/api/stripe/invoices/{invoice['id']}/refunds", body)

    def refunds(self, invoice: Json) -> list[Json]:
        refunds: list[Json] = self.get(f"/api/stripe/invoices/{invoice['id']}/refunds")
        return refunds

    def applied(self, invoice: Json, *types: str) -> list[Json]:
        """The invoice's events, once these are among them (each as often as named) and all have been applied."""

        def look() -> list[Json] | None:
            events = self.activity(invoice)
            is_there = Counter(event["event_type"] for event in events) >= Counter(types)
            return events if is_there and all(event["status"] in _FINISHED for event in events) else None

        return wait_until(look) or []


def data_of(answer: requests.Response, status: int) -> Any:
    """The data of an answer, which must have this status."""
    assert answer.status_code == status, answer.text
    return answer.json()["data"]


def problem(answer: requests.Response, status: int) -> Json:
    """The body of a failure, which must be a problem as the contract says."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    body: Json = answer.json()
    assert body.keys() - {"errors", "stripe", "reason"} == {
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


def state_in(url: str) -> str:
    """The `state` in a URL."""
    return query_of(url)["state"]


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def confirmation_in(page: requests.Response) -> str:
    """The confirmation on the page that a merchant sees."""
    assert page.status_code == 200, page.text
    found = re.search(r"[0-9a-f]{64}", page.text)
    assert found
    return found[0]

"""Users, each of whom carries one order through, and repeats every request until the answer is final."""

import random
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from stripe_bridge.domain.access import Role
from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.intent import UNSETTLED
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.ports.storage.intents import IntentFilter
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from stripe_bridge.use_cases.integrations.connect import CallbackCommand
from stripe_emulator.errors import StripeError
from tests.storm.service import Service

FATES = {
    "pay": 30,
    "refund": 25,
    "refund at Stripe": 8,
    "void": 15,
    "dispute": 10,
    "void at Stripe": 4,
    "leave open": 8,
}
_PATIENCE = 240.0
# In seconds. A call that failed often waits for minutes; who waits so long asks for it to be made now.
_ASKS_EVERY = 30.0


class GaveUp(Exception):
    """There was no final answer for too long."""


@dataclass(frozen=True)
class Shop:
    tenant: str
    integration_id: int


@dataclass
class Order:
    """What the user asked for. `refunded` is the amount that the user asked to refund; 0 if there was no such request."""

    number: int
    shop: Shop
    fate: str
    total: int
    invoice: dict[str, Any] = field(default_factory=dict)
    refunded: int = 0
    fault: str | None = None


def open_shop(service: Service, number: int) -> Shop:
    """A tenant with an account connected by its merchant."""
    tenant = f"shop-{number}"
    operator = service.operator
    integration_id = operator.integrations.create(tenant, f"Shop {number}").integration.id
    url = operator.integrations.authorize(tenant, integration_id)
    with requests.Session() as browser:
        browser.trust_env = False
        back = browser.post(url, data={"decision": "approve"}, allow_redirects=False, timeout=60)
    query = parse_qs(urlsplit(back.headers["Location"]).query)
    operator.integrations.complete_authorization(
        CallbackCommand(state=query["state"][0], code=query["code"][0])
    )
    return Shop(tenant, integration_id)


def join_shops(service: Service, number: int, seed: int) -> dict[int, Shop | str]:
    """Merchants who connect one after the other during the storm; each tries until connected. Returns, by number, each one's
    shop, or what went wrong."""
    chance = random.Random(f"{seed}-newcomers")
    return {each: _join(service, f"newcomer-{each}", chance) for each in range(1, number + 1)}


def _join(service: Service, tenant: str, chance: random.Random) -> Shop | str:
    deadline, last = time.monotonic() + _PATIENCE, "nothing"
    integration_id: int | None = None
    while time.monotonic() < deadline:
        try:
            if integration_id is None:
                integration_id = service.operator.integrations.create(tenant, tenant).integration.id
            if service.operator.integrations.show(tenant, integration_id).integration.connected:
                return Shop(tenant, integration_id)
            last = _authorize(service, tenant, integration_id)
        except (requests.RequestException, BridgeError) as error:
            # One of our processes was killed meanwhile.
            last = f"{type(error).__name__}: {error}"
        time.sleep(chance.uniform(0.1, 1.0))
    return last[:300]


def _authorize(service: Service, tenant: str, integration_id: int) -> str:
    """What the merchant's browser finally shows. A process of the service redeems the code, not the operator."""
    url = service.operator.integrations.authorize(tenant, integration_id)
    with requests.Session() as browser:
        browser.trust_env = False
        back = browser.post(url, data={"decision": "approve"}, allow_redirects=False, timeout=60)
        page = browser.get(back.headers["Location"], timeout=30)
    return f"{page.status_code} {page.text[:200]}"


class User:
    """Carries one order through, with its own token and its own random choices."""

    def __init__(self, service: Service, shops: list[Shop], number: int, seed: int, token: str) -> None:
        self._service, self._chance = service, random.Random(f"{seed}-{number}")
        self._token = token
        fate = self._chance.choices(list(FATES), list(FATES.values()))[0]
        self.order = Order(
            number, shops[number % len(shops)], fate, self._chance.randrange(1_000, 90_000, 10)
        )
        self._http = requests.Session()
        self._http.trust_env = False

    def live(self) -> Order:
        try:
            self._live()
        except Exception as error:
            self.order.fault = f"{type(error).__name__}: {error}"[:300]
        finally:
            self._http.close()
        return self.order

    def _live(self) -> None:
        order = self.order
        self._until("PUT", f"/api/sales-orders/{order.number}", _body(order), {200, 201})
        wanted = {"integration_instance_id": order.shop.integration_id, "sales_order_id": order.number}
        self._until("POST", "/api/stripe/invoices", wanted, {200, 201}, lambda data: data["status"] == "open")
        stripe_id = order.invoice["stripe_invoice_id"]
        control = self._service.control
        match order.fate:
            case "void":
                self._until("POST", f"/api/stripe/invoices/{order.invoice['id']}/void", None, {200, 422})
            case "void at Stripe":
                control.void(stripe_id)
            case "pay" | "refund" | "refund at Stripe" | "dispute":
                control.pay(stripe_id)
        if order.fate == "refund":
            self._refund()
        elif order.fate in ("refund at Stripe", "dispute"):
            self._reverse(self._charge_of(stripe_id))

    def _refund(self) -> None:
        order = self.order
        self._wait_until_paid()
        amount = order.total if self._chance.random() < 0.4 else order.total // 3
        path = f"/api/stripe/invoices/{order.invoice['id']}/refunds"
        key = {"Idempotency-Key": f"refund-{order.number}"}
        # A part of the total would leave room for a second refund, which must not happen.
        self._until("POST", path, {"amount_in_cents": amount}, {200, 201, 202}, headers=key)
        order.refunded = amount

    def _wait_until_paid(self) -> None:
        """Wait until it is known here. If its events were dropped, an operator has to reconcile."""
        path = f"/api/stripe/invoices/{self.order.invoice['id']}"
        while True:
            with suppress(GaveUp):
                self._until("GET", path, None, {200}, lambda data: data["status"] == "paid", patience=5.0)
                return
            with suppress(StoreUnavailable):
                self._service.operator.reconciliation.reconcile(self.order.shop.integration_id, sweep=False)

    def _reverse(self, charge: str) -> None:
        control = self._service.control
        if self.order.fate == "refund at Stripe":
            control.refund(charge, self.order.total // 2)
            return
        dispute = control.dispute(charge)
        with suppress(StripeError):
            control.change_dispute(dispute["id"], self._chance.choice(["won", "lost"]))

    def _charge_of(self, stripe_id: str) -> str:
        control = self._service.control
        (paid,) = [each for each in control.objects("invoice_payments") if each["invoice"] == stripe_id]
        intent = paid["payment"]["payment_intent"]
        (charge,) = [each["id"] for each in control.objects("charges") if each["payment_intent"] == intent]
        return str(charge)

    def _until(
        self,
        method: str,
        path: str,
        body: Any,
        wanted: set[int],
        is_final: Any = lambda data: True,
        headers: dict[str, str] | None = None,
        patience: float = _PATIENCE,
    ) -> None:
        """Ask until the answer is as expected. After anything else (no answer, 409, 422, 429, 5xx), ask again."""
        deadline, last = time.monotonic() + patience, "nothing"
        asks_at = time.monotonic() + _ASKS_EVERY
        while time.monotonic() < deadline:
            if time.monotonic() > asks_at:
                asks_at += _ASKS_EVERY
                self._have_calls_made()
            try:
                answer = self._http.request(
                    method,
                    self._service.url + path,
                    json=body,
                    timeout=30,
                    headers={"Authorization": f"Bearer {self._token}", **(headers or {})},
                )
                last = f"{answer.status_code} {answer.text[:200]}"
                if answer.status_code in wanted and is_final(answer.json().get("data", {})):
                    if method == "POST" and path.endswith("/invoices"):
                        self.order.invoice = answer.json()["data"]
                    return
            except requests.RequestException:
                # The process was killed during the request, or was not there at all.
                last = last if last != "nothing" else "no answer"
            time.sleep(self._chance.uniform(0.1, 1.0))
        raise GaveUp(f"{method} {path}: {last}")

    def _have_calls_made(self) -> None:
        """As `stripe-bridge intents resolve` does. What a process holds at this moment is left to it."""
        intents = self._service.operator.intents
        waiting = IntentFilter(integration_id=self.order.shop.integration_id, states=UNSETTLED)
        with suppress(BridgeError, StoreUnavailable):
            for intent in intents.list(waiting, PageRequest()).items:
                with suppress(BridgeError):
                    intents.resolve(intent.id)


def new_token(service: Service, shop: Shop) -> str:
    """A token for each user, so that rate limits, which are not tested here, do not interfere."""
    issued = service.operator.access.create_token(
        tenant_id=shop.tenant, role=Role.POWER_USER, user_id=1, label=""
    )
    return issued.secret


def _body(order: Order) -> dict[str, Any]:
    buyer = order.number % 7
    return {
        "number": f"SO-{order.number}",
        "currency": "eur",
        "total_in_cents": order.total,
        "updated_at": "2026-11-01T12:00:00Z",
        "customer": {"id": buyer + 1, "name": f"Buyer {buyer}", "email": f"buyer-{buyer}@example.com"},
        "lines": [{"description": "Oak table", "quantity": "1", "amount_in_cents": order.total}],
    }

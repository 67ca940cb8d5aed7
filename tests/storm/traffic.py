"""ERPs, customers and merchants who go on and on, and what the ERPs were answered."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import requests

from stripe_emulator.errors import StripeError
from tests.storm.service import Service
from tests.storm.users import Shop, new_token
from tests.waiting import wait_until

TOTAL = 10_000
_FINAL = {200, 201}
# A token may send only thirty invoices a minute.
_SENDS_PER_TOKEN = 25
Json = dict[str, Any]


class Answered(NamedTuple):
    """What an invoice is, as an ERP was told."""

    id: int
    order: int
    stripe_id: str


@dataclass
class Client:
    """An ERP of a shop, with the customers and the merchant. What fails is forgotten.

    Once it has `most` orders, it sends one of them again, most of which are paid or open.
    """

    service: Service
    shop: Shop
    chance: random.Random
    first_order: int
    most: int
    answered: set[Answered] = field(default_factory=set)
    orders: int = 0

    def __post_init__(self) -> None:
        self._sends = 0
        self.renew_token()

    def renew_token(self) -> None:
        self._token = new_token(self.service, self.shop)

    def step(self, http: requests.Session) -> None:
        happens: Callable[[requests.Session], object] = self.chance.choice(
            [self.order, self.order, self.pay, self.pay, self.refund, self.void, self.reverse]
        )
        with suppress(StripeError, requests.RequestException):
            happens(http)

    def order(self, http: requests.Session) -> None:
        if self.orders >= self.most:
            self.send(http, self.first_order + self.chance.randrange(self.orders))
            return
        number = self.first_order + self.orders
        self.orders += 1
        self.put(http, number, "2026-11-01T12:00:00Z")
        self.send(http, number)

    def pay(self, _: requests.Session) -> None:
        for invoice in self._any():
            self.service.control.pay(invoice.stripe_id)

    def refund(self, http: requests.Session) -> None:
        for invoice in self._any():
            body = {"amount_in_cents": self.chance.choice([TOTAL, TOTAL // 4])}
            self.ask(http, "POST", f"/api/stripe/invoices/{invoice.id}/refunds", body)

    def void(self, http: requests.Session) -> None:
        for invoice in self._any():
            self.ask(http, "POST", f"/api/stripe/invoices/{invoice.id}/void")

    def reverse(self, _: requests.Session) -> None:
        """In Stripe's dashboard, or by the customer's bank."""
        for invoice in self._any():
            for charge in charges_of(self.service, invoice.stripe_id):
                if self.chance.random() < 0.5:
                    self.service.control.refund(charge, TOTAL // 5)
                else:
                    self.service.control.dispute(charge)

    def put(self, http: requests.Session, number: int, at: str) -> requests.Response:
        body = {
            "number": f"SO-{number}",
            "currency": "eur",
            "total_in_cents": TOTAL,
            "updated_at": at,
            "customer": {"id": number % 3 + 1, "name": "Buyer", "email": f"buyer-{number % 3}@example.com"},
            "lines": [{"description": "Oak table", "quantity": "1", "amount_in_cents": TOTAL}],
        }
        return self.ask(http, "PUT", f"/api/sales-orders/{number}", body)

    def send(self, http: requests.Session, number: int) -> requests.Response:
        self._sends += 1
        if self._sends % _SENDS_PER_TOKEN == 0:
            self.renew_token()
        wanted = {"integration_instance_id": self.shop.integration_id, "sales_order_id": number}
        answer = self.ask(http, "POST", "/api/stripe/invoices", wanted)
        if answer.status_code in _FINAL:
            shown = answer.json()["data"]
            if shown["stripe_invoice_id"] is not None:
                self.answered.add(Answered(shown["id"], shown["sales_order_id"], shown["stripe_invoice_id"]))
        return answer

    def submit_all_again(self) -> None:
        """As an ERP that lost track: every order, until the answer is final."""
        with direct() as http:
            for number in range(self.first_order, self.first_order + self.orders):
                wait_until(partial(self._is_submitted, http, number), every=0.2)

    def _is_submitted(self, http: requests.Session, number: int) -> bool:
        """That nothing is outstanding (422) is final, too."""
        submitted = self.put(http, number, "2026-11-02T12:00:00Z")
        return submitted.status_code in _FINAL and self.send(http, number).status_code in {*_FINAL, 422}

    def ask(self, http: requests.Session, method: str, path: str, body: Any = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {self._token}"}
        return http.request(method, self.service.url + path, json=body, headers=headers, timeout=30)

    def _any(self) -> list[Answered]:
        return [self.chance.choice(sorted(self.answered))] if self.answered else []


def charges_of(service: Service, stripe_id: str) -> list[str]:
    intents = {
        each["payment"]["payment_intent"]
        for each in service.control.objects("invoice_payments")
        if each["invoice"] == stripe_id
    }
    return [each["id"] for each in service.control.objects("charges") if each["payment_intent"] in intents]


@contextmanager
def going_on(clients: list[Client]) -> Iterator[None]:
    """Meanwhile, all of them do one thing after another."""
    is_over = threading.Event()

    def go_on(client: Client) -> None:
        with direct() as http:
            while not is_over.is_set():
                client.step(http)

    threads = [threading.Thread(target=go_on, args=(each,)) for each in clients]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


@contextmanager
def direct() -> Iterator[requests.Session]:
    with requests.Session() as http:
        http.trust_env = False
        yield http

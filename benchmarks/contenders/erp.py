"""An ERP: the few calls of the REST API that measurements need."""

import itertools
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from benchmarks.contenders.ours import Service
from benchmarks.stand.emulator import Emulator

TENANT = "benchmarks"
_UPDATED_AT = "2026-11-01T00:00:00Z"
_AT_ONCE = 4
SENDS_PER_TOKEN = 30
"""How many invoices a token may send in a minute."""
Json = dict[str, Any]


class Refused(Exception):
    """The service did not do what was asked."""


class Erp:
    """One tenant, with as many tokens of a role as calls need."""

    def __init__(self, service: Service, *, tokens: int = 1, role: str = "power_user") -> None:
        self.url = service.url
        self.tokens = service.tokens(tokens, TENANT, role)
        # Sends cycle through the tokens separately, so that each token makes equally many, whatever other calls are made.
        self._turns, self._sends = itertools.cycle(self.tokens), itertools.cycle(self.tokens)
        self._http = requests.Session()
        self._http.trust_env = False

    def ask(self, method: str, path: str, body: Json | None = None, *, token: str | None = None) -> Json:
        """The answer's body. Raises Refused if it is an error."""
        headers = {"Authorization": f"Bearer {token or next(self._turns)}"}
        address = path if path.startswith("http") else self.url + path
        answer = self._http.request(method, address, json=body, headers=headers, timeout=60)
        if not answer.ok:
            raise Refused(f"{method} {path}: {answer.status_code} {answer.text}")
        content: Json = answer.json()
        return content

    def connect(self, emulator: Emulator) -> Json:
        """A connected integration."""
        integration: Json = self.ask("POST", "/api/stripe/integrations", {"name": "Shop"})["data"]
        path = f"/api/stripe/integrations/{integration['id']}"
        back = emulator.approve(self.ask("POST", f"{path}/authorize")["data"]["authorize_url"])
        self._http.get(back, timeout=60).raise_for_status()
        connected: Json = self.ask("GET", path)["data"]
        return connected

    def order(self, number: int, *, customer: int = 1) -> None:
        lines = [{"description": "Oak table", "quantity": "1", "amount_in_cents": 12_450}]
        order: Json = {"number": f"SO-{number}", "currency": "usd", "total_in_cents": 12_450, "lines": lines}
        order["customer"] = {"id": customer, "name": "Jenny Rosen", "email": "jenny@example.com"}
        self.ask("PUT", f"/api/sales-orders/{number}", {**order, "updated_at": _UPDATED_AT})

    def sent(self, integration: Json, numbers: Iterable[int]) -> list[str]:
        """Create an order for each number and send its invoice; returns the invoices' ids at Stripe."""

        def send(number: int) -> str:
            self.order(number)
            stripe_id: str = self.send(integration, number)["stripe_invoice_id"]
            return stripe_id

        with ThreadPoolExecutor(_AT_ONCE) as several:
            return list(several.map(send, numbers))

    def send(self, integration: Json, number: int) -> Json:
        """Send the order's invoice, and return it."""
        body = {"integration_instance_id": integration["id"], "sales_order_id": number}
        invoice: Json = self.ask("POST", "/api/stripe/invoices", body, token=next(self._sends))["data"]
        return invoice

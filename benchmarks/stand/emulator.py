"""The emulator in a process of its own, and what customers do there."""

from pathlib import Path
from typing import Any

import requests

from benchmarks.stand.programs import Program, answers, environment, python
from tests.servers.processes import free_port

SECRET_KEY, CLIENT_ID = "sk_test_emulator", "ca_emulator"
PAID = (
    "charge.succeeded",
    "payment_intent.succeeded",
    "invoice_payment.paid",
    "invoice.updated",
    "invoice.paid",
    "invoice.payment_succeeded",
)
"""What Stripe sends when an invoice is paid."""
Json = dict[str, Any]


class Emulator:
    """Stripe, for all who need it."""

    def __init__(self, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._program = Program(
            python("stripe_emulator", "--port", self.url.rpartition(":")[2]),
            env=environment(),
            log=folder / "emulator.log",
        )
        self._http = requests.Session()
        self._http.trust_env = False

    def __enter__(self) -> "Emulator":
        self._program.wait_until(lambda: answers(f"{self.url}/_emulator/misbehavior"))
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self._program.stop()

    def pay(self, stripe_invoice_id: str) -> None:
        self._http.post(f"{self.url}/_emulator/invoices/{stripe_invoice_id}/pay").raise_for_status()

    def approve(self, authorize_url: str) -> str:
        """A merchant lets the platform in; where the browser is sent then."""
        answer = self._http.post(authorize_url, data={"decision": "approve"}, allow_redirects=False)
        return answer.headers["Location"]

    def events(self, *types: str) -> list[Json]:
        """As they are in webhooks, in the order of their creation."""
        answer = self._http.get(f"{self.url}/_emulator/objects/events")
        answer.raise_for_status()
        return [event for event in answer.json()["data"] if event["type"] in types]

    def reset(self) -> None:
        """Forget all; nobody is connected any more."""
        self._http.post(f"{self.url}/_emulator/reset").raise_for_status()

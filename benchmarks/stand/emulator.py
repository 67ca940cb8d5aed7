"""The emulator in its own process, and what merchants and customers do there."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from benchmarks.stand.programs import Program, answers, environment, python
from stripe_bridge_playground.settings import reserved_port

# As long as real ones, which dj-stripe checks.
SECRET_KEY, CLIENT_ID = "sk_test_" + "benchmarks" * 4, "ca_benchmarks"
_PLATFORM = ("--secret-key", SECRET_KEY, "--client-id", CLIENT_ID)
PAID = (
    "charge.succeeded",
    "payment_intent.succeeded",
    "invoice_payment.paid",
    "invoice.updated",
    "invoice.paid",
    "invoice.payment_succeeded",
)
"""The events that Stripe sends when an invoice is paid."""
Json = dict[str, Any]


class Emulator:
    """Stripe, for all contenders."""

    def __init__(self, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{reserved_port()}"
        self._program = Program(
            python("stripe_emulator", "--port", self.url.rpartition(":")[2], *_PLATFORM),
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
        """Pay an invoice, as the customer does."""
        self._http.post(f"{self.url}/_emulator/invoices/{stripe_invoice_id}/pay").raise_for_status()

    def pay_all(self, account: str, stripe_invoice_ids: Sequence[str]) -> list[Json]:
        """Pay these invoices one after the other; returns the six events of each, in order."""
        before = len(self.events(account))
        for stripe_invoice_id in stripe_invoice_ids:
            self.pay(stripe_invoice_id)
        events = self.events(account)[before:]
        assert [event["type"] for event in events] == list(PAID) * len(stripe_invoice_ids)
        return events

    def approve(self, authorize_url: str) -> str:
        """A merchant approves the connection; returns where the browser is sent next."""
        # This goes to the emulator directly, not through a proxy between the service and it.
        address = urlsplit(authorize_url)._replace(netloc=urlsplit(self.url).netloc).geturl()
        answer = self._http.post(address, data={"decision": "approve"}, allow_redirects=False)
        return answer.headers["Location"]

    def events(self, account: str) -> list[Json]:
        """All events of an account, as webhooks carry them, in order of creation."""
        answer = self._http.get(f"{self.url}/_emulator/objects/events")
        answer.raise_for_status()
        return [event for event in answer.json()["data"] if event["account"] == account]

"""The two sides of the story: the ERP, and people at Stripe."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import requests

from stripe_bridge_playground.faults import Fault

T = TypeVar("T")
Json = dict[str, Any]

_TIMEOUT = 60.0


@dataclass(frozen=True)
class Erp:
    """Calls the service as an ERP does, with a token."""

    http: requests.Session
    url: str
    token: str

    def call(self, method: str, path: str, body: Json | None = None, *, expected: int) -> Json:
        """The JSON answer. Raises a Fault with the answer's own words if it has a different status."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = self.http.request(method, self.url + path, json=body, headers=headers, timeout=_TIMEOUT)
        if answer.status_code != expected:
            raise Fault(
                f"{method} {path} answered {answer.status_code}, not {expected}:\n{answer.text[:2000]}"
            )
        content: Json = answer.json()
        return content


@dataclass
class StripeSide:
    """What merchants and customers do at the emulated Stripe, and what can be seen there."""

    http: requests.Session
    url: str
    _seen: int = 0

    def approve(self, authorize_url: str) -> None:
        """What the merchant's browser does at the consent page, and where Stripe sends it next: at the service."""
        answer = self.http.post(
            authorize_url, data={"decision": "approve"}, allow_redirects=False, timeout=_TIMEOUT
        )
        if not answer.is_redirect:
            raise Fault(f"The consent page answered {answer.status_code}:\n{answer.text[:2000]}")
        # The environment may name a return URL of an ERP that is not running.
        answer = self.http.get(answer.headers["Location"], allow_redirects=False, timeout=_TIMEOUT)
        if not answer.ok:
            raise Fault(f"The OAuth callback answered {answer.status_code}:\n{answer.text[:2000]}")

    def pay(self, stripe_invoice_id: str) -> None:
        """What the customer does at the hosted invoice page."""
        answer = self.http.post(f"{self.url}/_emulator/invoices/{stripe_invoice_id}/pay", timeout=_TIMEOUT)
        if not answer.ok:
            raise Fault(f"Paying answered {answer.status_code}:\n{answer.text[:2000]}")

    def objects(self, kind: str) -> list[Json]:
        """All objects of a kind that Stripe has."""
        answer = self.http.get(f"{self.url}/_emulator/objects/{kind}", timeout=_TIMEOUT)
        answer.raise_for_status()
        objects: list[Json] = answer.json()["data"]
        return objects

    def new_exchanges(self) -> list[Json]:
        """The exchanges between the service and Stripe since the last time."""
        answer = self.http.get(f"{self.url}/_emulator/wire-log", timeout=_TIMEOUT)
        answer.raise_for_status()
        exchanges = [json.loads(line) for line in answer.text.splitlines() if line]
        new, self._seen = exchanges[self._seen :], len(exchanges)
        return new


def wait_for(what: str, look: Callable[[], T], right: Callable[[T], bool], *, within: float = 90.0) -> T:
    """Look until it is right. If it never is, raises a Fault that shows what was seen last."""
    deadline = time.monotonic() + within
    while not right(seen := look()):
        if time.monotonic() > deadline:
            raise Fault(f"Not within {within:g} s: {what}. Last seen:\n{json.dumps(seen, indent=2)[:4000]}")
        time.sleep(0.1)
    return seen


def expect(what: str, actual: Mapping[str, Any], **expected: Any) -> None:
    """Raises a Fault unless all these fields have these values."""
    wrong = {
        name: f"{actual.get(name)!r}, not {value!r}"
        for name, value in expected.items()
        if actual.get(name) != value
    }
    if wrong:
        faults = "; ".join(f"{name} is {fault}" for name, fault in wrong.items())
        raise Fault(f"{what}: {faults}.\n{json.dumps(actual, indent=2)[:4000]}")

"""The SDK's HTTP client, made to keep to Stripe's pace."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from random import SystemRandom
from typing import Any
from urllib.parse import urlsplit

from stripe_bridge.adapters.stripe_gateway.budget import Budget
from stripe_bridge.adapters.stripe_gateway.transport import KeepingClient
from stripe_bridge.ports.tracing import Fact, Note, Tracing

_BUSY = 429
# Unlike the names of collections and verbs, ids contain digits or capitals: `/in_1Mtq`, but not `/invoice_payments`.
_ID = re.compile(r"/[a-z]+_(?=\w*[\dA-Z])\w+")
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 4.0


class PacedClient(KeepingClient):
    """Every request, including each page and retry, waits for its turn in the budget.

    A lookup that Stripe refuses because of its rate (or a lock) is retried, with jittered backoff, for up to `patience`
    seconds in total. A change is not: whether and when to try again is for its intent to decide. The SDK itself retries after
    a 429 only if a header tells it to.
    """

    def __init__(
        self,
        *,
        timeout: tuple[float, float],
        budget: Budget | None,
        patience: float,
        tracing: Tracing | None = None,
    ) -> None:
        super().__init__(timeout=timeout)
        self._budget, self._patience, self._tracing = budget, patience, tracing

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[Any, int, Mapping[str, str]]:
        key = _key(headers or {})
        account, endpoint = (headers or {}).get("Stripe-Account") or key, endpoint_of(method, url)
        deadline = time.monotonic() + self._patience
        delay = _FIRST_DELAY
        while True:
            if self._budget is not None:
                self._budget.take(key, account, endpoint)
            with self._span(endpoint, "platform" if account == key else account) as note:
                answer = super().request(method, url, headers, post_data)
                note("http.response.status_code", answer[1])
            if answer[1] != _BUSY or method.lower() != "get":
                return answer
            pause = delay * SystemRandom().uniform(0.5, 1.0)
            if time.monotonic() + pause > deadline:
                return answer
            time.sleep(pause)
            delay = min(2 * delay, _LONGEST_DELAY)

    def _span(self, endpoint: str, account: str) -> AbstractContextManager[Note]:
        """Covers only the request, without the wait for its turn."""
        if self._tracing is None:
            return nullcontext(_note_nothing)
        return self._tracing.span(f"Stripe {endpoint}", {"stripe.account": account}, is_call=True)


def _note_nothing(_name: str, _fact: Fact) -> None:
    pass


def endpoint_of(method: str, url: str) -> str:
    """The endpoint of Stripe's API that a request is for: its path without the ids of objects, and no query."""
    path = _ID.sub("/{id}", urlsplit(url).path)
    return f"{method.upper()} {path}"


def _key(headers: Mapping[str, str]) -> str:
    """A name for the key that a request carries: only a hash, so as not to reveal it."""
    return hashlib.sha256(headers.get("Authorization", "").encode()).hexdigest()[:16]

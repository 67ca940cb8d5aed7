"""The SDK's HTTP client, made to keep to Stripe's pace."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from random import SystemRandom
from typing import Any

import stripe

from stripe_bridge.adapters.stripe_gateway.budget import Budget

_BUSY = 429
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 4.0


class PacedClient(stripe.RequestsClient):
    """Each request, every page and retry, waits for its turn in the budget of its account.

    A lookup that Stripe refuses for its rate (or for a lock) is asked again, with jittered backoff, for up to `patience`
    seconds in all. A change is not: whether and when to ask again is for its intent to decide. The SDK itself asks
    again after a 429 only when a header tells it to.
    """

    def __init__(self, *, timeout: tuple[float, float], budget: Budget | None, patience: float) -> None:
        super().__init__(timeout=timeout)
        self._budget, self._patience = budget, patience

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[Any, int, Mapping[str, str]]:
        deadline = time.monotonic() + self._patience
        delay = _FIRST_DELAY
        while True:
            if self._budget is not None:
                self._budget.take(_account(headers or {}))
            answer = super().request(method, url, headers, post_data)
            pause = delay * SystemRandom().uniform(0.5, 1.0)
            if method.lower() != "get" or answer[1] != _BUSY or time.monotonic() + pause > deadline:
                return answer
            time.sleep(pause)
            delay = min(2 * delay, _LONGEST_DELAY)


def _account(headers: Mapping[str, str]) -> str:
    """Whose limit a request counts against: the account that it names, else that of its key, of which only a hash is told."""
    named = headers.get("Stripe-Account")
    return named or hashlib.sha256(headers.get("Authorization", "").encode()).hexdigest()[:16]

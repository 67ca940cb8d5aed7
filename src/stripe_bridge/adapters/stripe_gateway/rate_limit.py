"""Staying within Stripe's rate limits, by counting our own requests per second.

Stripe allows each account 100 a second in live mode and 25 in test mode, and each endpoint of its API 25:
https://docs.stripe.com/rate-limits
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections.abc import Callable, Mapping
from random import SystemRandom
from typing import Any
from urllib.parse import urlsplit

from limits import RateLimitItemPerSecond
from limits.errors import StorageError

from stripe_bridge.adapters.rate_limits import MovingWindows, Window
from stripe_bridge.adapters.stripe_gateway.http_client import PooledHttpClient
from stripe_bridge.ports.stripe.errors import GatewayBusy
from stripe_bridge.ports.tracing import Fact, Tracing

LIVE_PER_SECOND = 100
TEST_PER_SECOND = 25
ENDPOINT_PER_SECOND = 25
_log = logging.getLogger(__name__)
_MAX_WAIT = 5.0
_POLL_SECONDS = 0.02
# For a connection to Redis and for each of its responses; and how long Redis is not asked after a failure. In seconds.
_TIMEOUT = 0.25
_CIRCUIT_OPEN_SECONDS = 5.0


def _ignore(_seconds: float) -> None:
    pass


class RateLimit:
    """Shared by all processes with the same storage: `memory://` is only this process, a `redis://` URL all of them.

    If the storage is unreachable, calls are made without a limit: Stripe enforces its own. `on_wait` is called with the
    seconds that a caller had to wait for its turn.
    """

    def __init__(
        self,
        per_second: int,
        storage_url: str,
        *,
        per_endpoint: int = ENDPOINT_PER_SECOND,
        max_wait: float = _MAX_WAIT,
        on_wait: Callable[[float], None] = _ignore,
    ) -> None:
        self._windows = MovingWindows(storage_url, timeout=_TIMEOUT)
        self._of_account = RateLimitItemPerSecond(per_second, namespace="stripe")
        self._of_endpoint = RateLimitItemPerSecond(per_endpoint, namespace="stripe-endpoint")
        self._max_wait, self._on_wait = max_wait, on_wait
        self._circuit_open_until = 0.0

    def acquire(self, key: str, account: str, endpoint: str, max_wait: float | None = None) -> None:
        """Wait for a turn of the account, of its endpoint, and of our key, for `max_wait` seconds if that is given. `key` and
        `account` are names for our key and the account, and the same if the platform acts for itself.

        Stripe does not say whose limit a call for a connected account counts against, that account's or the platform's.
        Raises GatewayBusy if there is no turn in time; Stripe was then not called.
        """
        turns = [Window(self._of_account, (name,)) for name in dict.fromkeys((account, key))]
        turns.append(Window(self._of_endpoint, (f"{account} {endpoint}",)))
        longest = self._max_wait if max_wait is None else max_wait
        if self._has(turns):
            return
        begun_at = time.monotonic()
        try:
            while time.monotonic() - begun_at < longest:
                time.sleep(_POLL_SECONDS)
                if self._has(turns):
                    return
            raise GatewayBusy("no turn within Stripe's rate limit: too many calls at once")
        finally:
            self._on_wait(time.monotonic() - begun_at)

    def _has(self, turns: list[Window]) -> bool:
        if time.monotonic() < self._circuit_open_until:
            return True
        try:
            # All or none, so that no turn is wasted on a call that has to wait for another one.
            return self._windows.hit_all(*turns)
        except StorageError as error:
            self._circuit_open_until = time.monotonic() + _CIRCUIT_OPEN_SECONDS
            _log.warning("rate limit not enforced: storage unavailable", extra={"reason": str(error)})
            return True


_BUSY = 429
# Unlike the names of collections and verbs, ids contain digits or capitals: `/in_1Mtq`, but not `/invoice_payments`.
_ID = re.compile(r"/[a-z]+_(?=\w*[\dA-Z])\w+")
_FIRST_DELAY, _MAX_DELAY = 0.5, 4.0


class ThrottledClient(PooledHttpClient):
    """Every request, including each page and retry, waits for its turn within the rate limit.

    A lookup that Stripe refuses because of its rate (or a lock) is retried, with jittered backoff, for up to `max_429_wait`
    seconds in total. A change is not: whether and when to try again is for its intent to decide. The SDK itself retries after
    a 429 only if a header asks for it.
    """

    def __init__(
        self,
        *,
        timeout: tuple[float, float],
        rate_limit: RateLimit | None,
        max_429_wait: float,
        max_turn_wait: float | None = None,
        tracing: Tracing,
    ) -> None:
        super().__init__(timeout=timeout)
        self._rate_limit, self._max_429_wait, self._tracing = rate_limit, max_429_wait, tracing
        self._max_turn_wait = max_turn_wait

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
        deadline = time.monotonic() + self._max_429_wait
        delay = _FIRST_DELAY
        while True:
            if self._rate_limit is not None:
                self._rate_limit.acquire(key, account, endpoint, self._max_turn_wait)
            # Only the request is traced, without the wait for its turn.
            facts: dict[str, Fact] = {"stripe.account": "platform" if account == key else account}
            with self._tracing.span(f"Stripe {endpoint}", facts, is_call=True) as note:
                answer = super().request(method, url, headers, post_data)
                note("http.response.status_code", answer[1])
            if answer[1] != _BUSY or method.lower() != "get":
                return answer
            pause = delay * SystemRandom().uniform(0.5, 1.0)
            if time.monotonic() + pause > deadline:
                return answer
            time.sleep(pause)
            delay = min(2 * delay, _MAX_DELAY)


def endpoint_of(method: str, url: str) -> str:
    """The endpoint of Stripe's API that a request is for: its path without the ids of objects, and no query."""
    path = _ID.sub("/{id}", urlsplit(url).path)
    return f"{method.upper()} {path}"


def _key(headers: Mapping[str, str]) -> str:
    """A name for the key that a request carries: only a hash, so as not to reveal it."""
    return hashlib.sha256(headers.get("Authorization", "").encode()).hexdigest()[:16]

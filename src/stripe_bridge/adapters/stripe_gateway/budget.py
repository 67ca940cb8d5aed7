"""Stripe's rate limits, kept on our side before Stripe has to refuse: a budget of requests per second for each account.

Stripe allows 100 a second in live mode and 25 in test mode: https://docs.stripe.com/rate-limits
"""

from __future__ import annotations

import logging
import time

from limits import RateLimitItemPerSecond
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from stripe_bridge.ports.gateway_errors import GatewayBusy

LIVE_PER_SECOND = 100
TEST_PER_SECOND = 25
_log = logging.getLogger(__name__)
_LONGEST_WAIT = 5.0
_LOOK_AGAIN = 0.02
# For a connection to Redis and for each of its answers; and how long it is left alone after a failure. All in seconds.
_TIMEOUT = 0.25
_REST = 5.0


class Budget:
    """Shared by all processes with the same storage: `memory://` is this process alone, a `redis://` URL all.

    With the storage out of reach calls go on without a budget: Stripe's own refusals are heeded all the same.
    """

    def __init__(self, per_second: int, storage_url: str, *, longest_wait: float = _LONGEST_WAIT) -> None:
        in_time = {} if storage_url == "memory://" else dict.fromkeys(_TIMEOUTS, _TIMEOUT)
        self._limiter = MovingWindowRateLimiter(
            storage_from_string(storage_url, wrap_exceptions=True, **in_time)
        )
        self._limit = RateLimitItemPerSecond(per_second, namespace="stripe")
        self._longest_wait = longest_wait
        self._rests_until = 0.0

    def take(self, account: str) -> None:
        """Wait for the account's next turn. Raises GatewayBusy when none comes: Stripe was not asked."""
        deadline = time.monotonic() + self._longest_wait
        while not self._has_turn(account):
            if time.monotonic() >= deadline:
                raise GatewayBusy("no turn within Stripe's rate limit: too many calls at once")
            time.sleep(_LOOK_AGAIN)

    def _has_turn(self, account: str) -> bool:
        if time.monotonic() < self._rests_until:
            return True
        try:
            return self._limiter.hit(self._limit, account)
        except StorageError as error:
            self._rests_until = time.monotonic() + _REST
            _log.warning("going on without a budget for Stripe's rate limit", extra={"reason": str(error)})
            return True


_TIMEOUTS = ("socket_timeout", "socket_connect_timeout")

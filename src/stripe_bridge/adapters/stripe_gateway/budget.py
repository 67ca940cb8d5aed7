"""Staying within Stripe's rate limits, so that Stripe need not refuse: a budget of requests per second.

Stripe allows each account 100 a second in live mode and 25 in test mode, and each endpoint of its API 25:
https://docs.stripe.com/rate-limits
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from limits import RateLimitItemPerSecond
from limits.errors import StorageError

from stripe_bridge.adapters.windows import MovingWindows, Window
from stripe_bridge.ports.gateway_errors import GatewayBusy

LIVE_PER_SECOND = 100
TEST_PER_SECOND = 25
ENDPOINT_PER_SECOND = 25
_log = logging.getLogger(__name__)
_LONGEST_WAIT = 5.0
_LOOK_AGAIN = 0.02
# For a connection to Redis and for each of its answers; and how long Redis is not asked after a failure. All in seconds.
_TIMEOUT = 0.25
_REST = 5.0


def _nobody(_seconds: float) -> None:
    pass


class Budget:
    """Shared by all processes with the same storage: `memory://` is only this process, a `redis://` URL all of them.

    If the storage is unreachable, calls are made without a budget: Stripe's own refusals still count. `waited` is called with
    the seconds that a caller had to wait for its turn.
    """

    def __init__(
        self,
        per_second: int,
        storage_url: str,
        *,
        per_endpoint: int = ENDPOINT_PER_SECOND,
        longest_wait: float = _LONGEST_WAIT,
        waited: Callable[[float], None] = _nobody,
    ) -> None:
        self._windows = MovingWindows(storage_url, timeout=_TIMEOUT)
        self._of_account = RateLimitItemPerSecond(per_second, namespace="stripe")
        self._of_endpoint = RateLimitItemPerSecond(per_endpoint, namespace="stripe-endpoint")
        self._longest_wait, self._waited = longest_wait, waited
        self._rests_until = 0.0

    def take(self, key: str, account: str, endpoint: str) -> None:
        """Wait for a turn of the account, of its endpoint, and of our key. `key` and `account` are names for our key and the
        account, and the same if the platform acts for itself.

        Stripe does not say whose limit a call for a connected account counts against, that account's or the platform's.
        Raises GatewayBusy if no turn comes in time; Stripe was then not asked.
        """
        turns = [Window(self._of_account, (name,)) for name in dict.fromkeys((account, key))]
        turns.append(Window(self._of_endpoint, (f"{account} {endpoint}",)))
        begun_at = time.monotonic()
        while not self._has(turns):
            if time.monotonic() - begun_at >= self._longest_wait:
                self._waited(time.monotonic() - begun_at)
                raise GatewayBusy("no turn within Stripe's rate limit: too many calls at once")
            time.sleep(_LOOK_AGAIN)
        seconds = time.monotonic() - begun_at
        if seconds >= _LOOK_AGAIN:
            self._waited(seconds)

    def _has(self, turns: list[Window]) -> bool:
        if time.monotonic() < self._rests_until:
            return True
        try:
            # All or none, so that no turn is wasted on a call that has to wait for another one.
            return self._windows.hit_all(*turns)
        except StorageError as error:
            self._rests_until = time.monotonic() + _REST
            _log.warning("going on without a budget for Stripe's rate limit", extra={"reason": str(error)})
            return True

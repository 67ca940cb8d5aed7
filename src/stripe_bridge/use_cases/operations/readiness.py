"""Checking whether the service is ready to work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from stripe_bridge.domain.clock_skew import describe_skew
from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.receiver import PLATFORM_KINDS
from stripe_bridge.ports.storage.unit_of_work import Store, StoreUnavailable
from stripe_bridge.ports.system import Clock
from stripe_bridge.ports.vault import Vault

REMEDIES: Mapping[str, str] = {
    "database": "check DATABASE_URL and that the database runs, then: stripe-bridge db upgrade",
    "queue": "check REDIS_URL and that Redis runs; until then, workers poll for work every SWEEP_SECONDS",
}
"""What an operator does about a fault, by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What is usable, by name: None, or the sentence that says what is wrong. `warnings` do not count against it."""

    faults: dict[str, str | None]
    warnings: dict[str, str | None] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        return all(fault is None for fault in self.faults.values())


class CheckReadiness:
    """Check each of the service's own dependencies. Stripe is not one: if it is unreachable, webhooks and reads still work."""

    def __init__(self, checks: dict[str, Callable[[], None]], clock: Clock) -> None:
        self._checks, self._clock = checks, clock

    def __call__(self) -> Readiness:
        faults = {name: _fault(check) for name, check in self._checks.items()}
        return Readiness(faults=faults, warnings={"clock": describe_skew(self._clock.skew())})


class CheckSecrets:
    """Check that the signing secrets with which webhooks are verified can be opened. Raises SealBroken."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store, self._vault = store, vault

    def __call__(self) -> None:
        try:
            with self._store.reading() as work:
                receivers = work.receivers.of_kinds(PLATFORM_KINDS)
        except StoreUnavailable:
            # The check of the database reports that.
            return
        for receiver in receivers:
            self._vault.open(receiver.sealed_secret)


def _fault(check: Callable[[], None]) -> str | None:
    try:
        check()
    except StoreUnavailable as error:
        # Without its detail, which may name hosts and users: this is answered without a token.
        return error.reason
    except BridgeError as error:
        return error.message
    return None

"""What the doctor checks about subscribers: whether they are told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from stripe_bridge.domain.finding import Finding, counted
from stripe_bridge.domain.subscriber import DisabledReason, Subscriber
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock
from stripe_bridge.ports.vault import Vault, can_open

_TOO_LATE = timedelta(minutes=10)


class DiagnoseSubscribers:
    """One that was disabled on request is none of the doctor's concern."""

    def __init__(self, store: Store, clock: Clock, vault: Vault) -> None:
        self._store, self._clock, self._vault = store, clock, vault

    def __call__(self, *, is_key_wrong: bool) -> Iterator[Finding]:
        """With a wrong encryption key, that a secret cannot be opened is no news."""
        with self._store.reading() as work:
            subscribers = work.subscribers.all()
            backlog = work.subscribers.backlog()
        is_any_failing = False
        for each in subscribers:
            if not is_key_wrong and not can_open(self._vault, each.sealed_secret):
                yield Finding.error(
                    _subject(each),
                    "its secret cannot be opened",
                    "put the key that sealed it back into ENCRYPTION_KEYS, "
                    f"or: stripe-bridge subscribers rotate-secret {each.id}",
                )
            if not each.enabled:
                yield from _disabled(each)
            elif each.failing_since is not None and self._clock.now() - each.failing_since >= _TOO_LATE:
                is_any_failing = True
                what = f"{counted(each.failures, 'attempt')} in a row failed: {each.last_error}"
                yield Finding.warning(
                    _subject(each),
                    what,
                    f"check the receiver, then: stripe-bridge subscribers ping {each.id}",
                )
        oldest = backlog.oldest_at
        if oldest is not None and self._clock.now() - oldest >= _TOO_LATE and not is_any_failing:
            what = f"behind by {counted(backlog.behind, 'change')}, for more than ten minutes: is a worker running?"
            yield Finding.warning("subscribers", what, "stripe-bridge worker; stripe-bridge subscribers list")


def _disabled(subscriber: Subscriber) -> Iterator[Finding]:
    remedy = f"stripe-bridge subscribers deliveries {subscriber.id}; then: stripe-bridge subscribers resume {subscriber.id}"
    match subscriber.disabled_reason:
        case DisabledReason.HISTORY_CHANGED:
            what = "disabled: its receiver holds other changes than this service, as after a restore of the database"
            remedy = (
                f"docs/operating.md, After a restore; then: stripe-bridge subscribers resume {subscriber.id}"
            )
        case DisabledReason.FAILING:
            what = f"disabled after five days without a success: {subscriber.last_error}"
        case DisabledReason.GONE:
            what = "disabled: its receiver answered 410"
        case _:
            return
    yield Finding.error(_subject(subscriber), what, remedy)


def _subject(subscriber: Subscriber) -> str:
    return f"subscriber {subscriber.id} of tenant {subscriber.tenant_id}"

"""The secrets that sign what a subscriber gets: told once, sealed at rest."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.changes.subscriber_acts import subscriber_act
from stripe_bridge.domain.subscriber import Subscriber
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock, Identifiers
from stripe_bridge.ports.vault import Vault, can_open
from stripe_bridge.use_cases.receivers.encryption_key import EncryptionKey
from stripe_bridge.use_cases.subscribers.queries import SubscriberView, view_of

# As Standard Webhooks has it, so that people, libraries and secret scanners recognize one.
PREFIX = "whsec_"


def new_secret(identifiers: Identifiers) -> str:
    return PREFIX + b64encode(identifiers.signing_key()).decode()


def open_secrets(vault: Vault, subscriber: Subscriber, clock: Clock) -> list[str]:
    """Those that sign now. A former one that no key opens any more is left out. Raises SealBroken for the present one."""
    present, *former = subscriber.sealed_secrets(clock.now())
    return [vault.open(present), *(vault.open(each) for each in former if can_open(vault, each))]


class RotateSecret:
    """A new secret. For a day, both sign. `check` sees the subscriber as it is by then, and what it raises is raised.

    Raises SubscriberNotFound, WrongEncryptionKey.
    """

    def __init__(
        self, store: Store, clock: Clock, identifiers: Identifiers, vault: Vault, key: EncryptionKey
    ) -> None:
        self._store, self._clock, self._identifiers = store, clock, identifiers
        self._vault, self._key = vault, key

    def __call__(
        self, tenant_id: str, subscriber_id: int, check: Callable[[Subscriber], None] = lambda _: None
    ) -> tuple[SubscriberView, str]:
        self._key.require()
        secret, now = new_secret(self._identifiers), self._clock.now()
        with self._store.writing() as work:
            subscriber = work.subscribers.get(tenant_id, subscriber_id, lock=True)
            check(subscriber)
            rotated = work.subscribers.save(subscriber.rotate(self._vault.seal(secret), now))
            work.acts.add(subscriber_act(ChangeType.SUBSCRIBER_SECRET_ROTATED, rotated, work.origin))
            view = view_of(work, rotated)
            work.commit()
        return view, secret

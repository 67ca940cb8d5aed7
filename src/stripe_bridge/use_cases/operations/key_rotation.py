"""Rotating encryption keys: sealing every stored secret again with the newest one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from stripe_bridge.domain.changes.acts import keys_rotated
from stripe_bridge.domain.receiver import ReceiverKind
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.vault import SealBroken, Vault, can_open
from stripe_bridge.use_cases.receivers.encryption_key import EncryptionKey


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRotation:
    """How many secrets were sealed again, and the ids of those that none of the keys opens: these stay as they are."""

    access_tokens: int
    signing_secrets: int
    subscriber_secrets: int
    unreadable_integrations: Sequence[int]
    unreadable_receivers: Sequence[int]
    unreadable_subscribers: Sequence[int]

    @property
    def is_complete(self) -> bool:
        return not (self.unreadable_integrations or self.unreadable_receivers or self.unreadable_subscribers)

    @property
    def has_resealed_any(self) -> bool:
        return bool(self.access_tokens or self.signing_secrets or self.subscriber_secrets)


class RotateKeys:
    """Seal integrations' access tokens, receivers' and subscribers' signing secrets again. Doing so twice is harmless.

    It is done one locked row at a time, so that the service can keep running. Unless none can be opened, the newest key is
    then the one in use.
    """

    def __init__(self, store: Store, vault: Vault, key: EncryptionKey) -> None:
        self._store, self._vault, self._key = store, vault, key

    def __call__(self) -> KeyRotation:
        with self._store.reading() as work:
            integrations = work.integrations.with_tokens()
            receivers = [receiver.id for receiver in work.receivers.of_kinds(list(ReceiverKind))]
            subscribers = [subscriber.id for subscriber in work.subscribers.all()]
        unreadable_integrations = self._unreadable(integrations, self._reseal_token)
        unreadable_receivers = self._unreadable(receivers, self._reseal_secret)
        unreadable_subscribers = self._unreadable(subscribers, self._reseal_subscriber)
        rotation = KeyRotation(
            access_tokens=len(integrations) - len(unreadable_integrations),
            signing_secrets=len(receivers) - len(unreadable_receivers),
            subscriber_secrets=len(subscribers) - len(unreadable_subscribers),
            unreadable_integrations=unreadable_integrations,
            unreadable_receivers=unreadable_receivers,
            unreadable_subscribers=unreadable_subscribers,
        )
        if rotation.is_complete or rotation.has_resealed_any:
            self._key.adopt()
            self._record(rotation)
        return rotation

    def _record(self, rotation: KeyRotation) -> None:
        resealed = {
            "access_tokens": rotation.access_tokens,
            "signing_secrets": rotation.signing_secrets,
            "subscriber_secrets": rotation.subscriber_secrets,
        }
        with self._store.writing() as work:
            work.acts.add(keys_rotated(resealed, work.origin))
            work.commit()

    def _unreadable(self, ids: Sequence[int], reseal: Callable[[UnitOfWork, int], None]) -> Sequence[int]:
        unreadable = []
        for row_id in ids:
            try:
                with self._store.writing() as work:
                    reseal(work, row_id)
                    work.commit()
            except SealBroken:
                unreadable.append(row_id)
        return unreadable

    def _reseal_token(self, work: UnitOfWork, integration_id: int) -> None:
        integration = work.integrations.find(integration_id, lock=True)
        if integration is None or integration.sealed_access_token is None:
            # Disconnected since: its token is gone.
            return
        resealed = self._vault.reseal(integration.sealed_access_token)
        work.integrations.save(replace(integration, sealed_access_token=resealed))

    def _reseal_secret(self, work: UnitOfWork, receiver_id: int) -> None:
        receiver = work.receivers.find(receiver_id, lock=True)
        if receiver is not None:
            resealed = self._vault.reseal(receiver.sealed_secret)
            work.receivers.save(replace(receiver, sealed_secret=resealed))

    def _reseal_subscriber(self, work: UnitOfWork, subscriber_id: int) -> None:
        subscriber = work.subscribers.find(subscriber_id, lock=True)
        if subscriber is None:
            return
        former = subscriber.sealed_former_secret
        if former is not None and can_open(self._vault, former):
            former = self._vault.reseal(former)
        resealed = self._vault.reseal(subscriber.sealed_secret)
        work.subscribers.save(replace(subscriber, sealed_secret=resealed, sealed_former_secret=former))

"""Attaching receivers: endpoints that a merchant created by hand, of which we know only the signing secret."""

from __future__ import annotations

from collections.abc import Callable

from stripe_bridge.domain.errors.base import IntegrationNotFound
from stripe_bridge.domain.receiver import Receiver, ReceiverKind
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock
from stripe_bridge.ports.vault import Vault, can_open


class AttachReceiver:
    """Add the signing secret of an endpoint that the merchant created by hand, replacing those that no key opens any more.

    Raises IntegrationNotFound.
    """

    def __init__(self, store: Store, clock: Clock, vault: Vault, receiver_url: Callable[[int], str]) -> None:
        self._store, self._clock, self._vault, self._receiver_url = store, clock, vault, receiver_url

    def __call__(self, integration_id: int, secret: str) -> Receiver:
        now = self._clock.now()
        with self._store.writing() as work:
            if work.integrations.find(integration_id) is None:
                raise IntegrationNotFound
            for known in work.receivers.of_integration(integration_id):
                # A secret that cannot be opened would keep out all of the integration's events.
                if not can_open(self._vault, known.sealed_secret):
                    work.receivers.remove(known.id)
            attached = work.receivers.add(
                Receiver(
                    id=0,
                    kind=ReceiverKind.ACCOUNT,
                    integration_id=integration_id,
                    stripe_endpoint_id=None,
                    url=self._receiver_url(integration_id),
                    sealed_secret=self._vault.seal(secret),
                    enabled=True,
                    created_at=now,
                    checked_at=now,
                )
            )
            work.commit()
        return attached

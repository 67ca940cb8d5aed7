"""Listing the stored receivers."""

from __future__ import annotations

from stripe_bridge.domain.receiver import PLATFORM_KINDS, Receiver, ReceiverKind
from stripe_bridge.ports.storage.unit_of_work import Store


class ListReceivers:
    """All receivers, the platform's first."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self) -> list[Receiver]:
        with self._store.reading() as work:
            stored = work.receivers.of_kinds(list(ReceiverKind))
        return sorted(stored, key=lambda receiver: receiver.kind not in PLATFORM_KINDS)

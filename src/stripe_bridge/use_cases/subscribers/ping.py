"""Trying whether a subscriber can be reached, and whether it verifies what it gets."""

from __future__ import annotations

from stripe_bridge.domain.subscriber import Delivery, DeliveryType
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Identifiers
from stripe_bridge.use_cases.subscribers.deliver import SendMessage


class PingSubscriber:
    """Send a message without changes, now, whether or not it is enabled. Its answer changes nothing.

    Raises SubscriberNotFound.
    """

    def __init__(self, store: Store, identifiers: Identifiers, send: SendMessage) -> None:
        self._store, self._identifiers, self._send = store, identifiers, send

    def __call__(self, tenant_id: str, subscriber_id: int) -> Delivery:
        with self._store.reading() as work:
            subscriber = work.subscribers.get(tenant_id, subscriber_id)
        id_ = f"msg_{self._identifiers.reference()}"
        sent = self._send(subscriber, DeliveryType.PING, id_, {"data": []}, None)
        with self._store.writing() as work:
            # It may have been deleted meanwhile.
            if work.subscribers.find(subscriber_id, lock=True) is not None:
                work.subscribers.add_delivery(sent.delivery)
                work.commit()
        return sent.delivery

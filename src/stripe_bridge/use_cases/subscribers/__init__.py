"""Subscribers, to whom changes are delivered: registering them, and delivering."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.use_cases.changes.witness import HoldOnContradiction
from stripe_bridge.use_cases.receivers.encryption_key import EncryptionKey
from stripe_bridge.use_cases.subscribers.deliver import DeliverChanges, FindDue, SendMessage
from stripe_bridge.use_cases.subscribers.manage import (
    CreateSubscriber,
    DeleteSubscriber,
    ResumeSubscriber,
    UpdateSubscriber,
)
from stripe_bridge.use_cases.subscribers.ping import PingSubscriber
from stripe_bridge.use_cases.subscribers.queries import ListDeliveries, ListSubscribers, ShowSubscriber
from stripe_bridge.use_cases.subscribers.rotate import RotateSecret


@dataclass(frozen=True, kw_only=True)
class Subscribers:
    create: CreateSubscriber
    list: ListSubscribers
    show: ShowSubscriber
    update: UpdateSubscriber
    delete: DeleteSubscriber
    rotate_secret: RotateSecret
    resume: ResumeSubscriber
    ping: PingSubscriber
    list_deliveries: ListDeliveries
    find_due: FindDue
    deliver: DeliverChanges


def build_subscribers(adapters: Adapters) -> Subscribers:
    store, clock, identifiers, vault = adapters.store, adapters.clock, adapters.identifiers, adapters.vault
    deliveries, key = adapters.deliveries, EncryptionKey(store, clock, vault)
    send = SendMessage(clock, vault, deliveries, adapters.metrics)
    return Subscribers(
        create=CreateSubscriber(store, clock, identifiers, vault, deliveries, key),
        list=ListSubscribers(store),
        show=ShowSubscriber(store),
        update=UpdateSubscriber(store, clock, deliveries),
        delete=DeleteSubscriber(store),
        rotate_secret=RotateSecret(store, clock, identifiers, vault, key),
        resume=ResumeSubscriber(store, clock),
        ping=PingSubscriber(store, identifiers, send),
        list_deliveries=ListDeliveries(store),
        find_due=FindDue(store, clock),
        deliver=DeliverChanges(
            store, clock, adapters.randomness, identifiers, send, HoldOnContradiction(store, clock)
        ),
    )

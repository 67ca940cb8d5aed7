"""Subscribers, to whom changes are delivered: registering them, and delivering."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.use_cases.subscribers.deliver import DeliverChanges, FindDue
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

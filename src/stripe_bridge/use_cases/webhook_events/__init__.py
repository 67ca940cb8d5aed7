"""Receiving Stripe's webhook events, applying them, and applying them again."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.use_cases.webhook_events.apply import ApplyEvents
from stripe_bridge.use_cases.webhook_events.backpressure import YieldToReceiving
from stripe_bridge.use_cases.webhook_events.queries import ListWebhookEvents, ShowWebhookEvent
from stripe_bridge.use_cases.webhook_events.receive import ReceiveWebhook
from stripe_bridge.use_cases.webhook_events.replay import ReplayWebhookEvent, ReplayWebhookEvents


@dataclass(frozen=True, kw_only=True)
class WebhookEvents:
    receive: ReceiveWebhook
    apply: ApplyEvents
    yield_to_receiving: YieldToReceiving
    list: ListWebhookEvents
    show: ShowWebhookEvent
    replay: ReplayWebhookEvent
    replay_matching: ReplayWebhookEvents

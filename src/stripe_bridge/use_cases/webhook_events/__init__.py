"""Receiving Stripe's webhook events, applying them, and applying them again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.use_cases.webhook_events.apply import ApplyEvents
from stripe_bridge.use_cases.webhook_events.backpressure import YieldToReceiving
from stripe_bridge.use_cases.webhook_events.handlers.handler import HandlerTable
from stripe_bridge.use_cases.webhook_events.plan import PlanReplay
from stripe_bridge.use_cases.webhook_events.queries import ListWebhookEvents, ShowWebhookEvent
from stripe_bridge.use_cases.webhook_events.receive import BuildEvent, ReceiveWebhook
from stripe_bridge.use_cases.webhook_events.replay import ReplayWebhookEvent, ReplayWebhookEvents
from stripe_bridge.use_cases.webhook_events.replay_many import (
    CancelReplay,
    ListReplays,
    RunReplays,
    ShowReplay,
    StartReplay,
)


@dataclass(frozen=True, kw_only=True)
class WebhookEvents:
    receive: ReceiveWebhook
    apply: ApplyEvents
    yield_to_receiving: YieldToReceiving
    list: ListWebhookEvents
    show: ShowWebhookEvent
    replay: ReplayWebhookEvent
    replay_matching: ReplayWebhookEvents
    plan_replay: PlanReplay
    start_replay: StartReplay
    run_replays: RunReplays
    cancel_replay: CancelReplay
    show_replay: ShowReplay
    list_replays: ListReplays


def build_webhook_events(
    adapters: Adapters,
    table: HandlerTable,
    build_event: BuildEvent,
    *,
    lease: timedelta,
    pause_factor: int,
    extra_secrets: tuple[str, ...],
) -> WebhookEvents:
    store, clock, nudges, metrics = adapters.store, adapters.clock, adapters.nudges, adapters.metrics
    tracing, read_whole_event = adapters.tracing, adapters.read_whole_event
    plan_replay = PlanReplay(store, clock, table, read_whole_event)
    return WebhookEvents(
        receive=ReceiveWebhook(
            store,
            adapters.event_ingest,
            clock,
            adapters.signatures,
            adapters.vault,
            nudges,
            metrics,
            adapters.read_event,
            build_event,
            extra_secrets=extra_secrets,
        ),
        apply=ApplyEvents(
            store, clock, adapters.randomness, table, lease, metrics, tracing, read_whole_event
        ),
        yield_to_receiving=YieldToReceiving(store, clock, pause_factor=pause_factor),
        list=ListWebhookEvents(store),
        show=ShowWebhookEvent(store, clock),
        replay=ReplayWebhookEvent(store, clock, nudges),
        replay_matching=ReplayWebhookEvents(store, clock, nudges),
        plan_replay=plan_replay,
        start_replay=StartReplay(store, clock, plan_replay),
        run_replays=RunReplays(store, clock, nudges),
        cancel_replay=CancelReplay(store, clock),
        show_replay=ShowReplay(store),
        list_replays=ListReplays(store),
    )

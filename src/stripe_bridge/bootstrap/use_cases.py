"""Every use case: each room builds its own from the adapters; here they get the settings, and one another."""

from __future__ import annotations

from datetime import timedelta

from stripe_bridge.bridge import Bridge
from stripe_bridge.config import Settings
from stripe_bridge.domain.intent import LeasePolicy
from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.use_cases.access import build_access
from stripe_bridge.use_cases.changes import Changes, build_changes
from stripe_bridge.use_cases.integrations import Integrations, build_integrations, integration_steps
from stripe_bridge.use_cases.intents import Intents, build_intents
from stripe_bridge.use_cases.intents.settle import SettleIntent
from stripe_bridge.use_cases.invoices import build_invoices, invoice_steps
from stripe_bridge.use_cases.operations import Operations, build_operations
from stripe_bridge.use_cases.operations.going_live_here import Setup
from stripe_bridge.use_cases.operations.going_live_stripe import PlatformSetup
from stripe_bridge.use_cases.panel import build_panel
from stripe_bridge.use_cases.receivers import Receivers, build_receivers, receiver_steps
from stripe_bridge.use_cases.receivers.register import RequestReceiver
from stripe_bridge.use_cases.reconciliation import Reconciliation, build_reconciliation
from stripe_bridge.use_cases.refunds import build_refunds, refund_steps
from stripe_bridge.use_cases.sales_orders import build_sales_orders
from stripe_bridge.use_cases.subscribers import build_subscribers
from stripe_bridge.use_cases.webhook_events import WebhookEvents, build_webhook_events
from stripe_bridge.use_cases.webhook_events.handlers.handler import HandlerTable
from stripe_bridge.use_cases.webhook_events.handlers.table import build_handler_table
from stripe_bridge.use_cases.webhook_events.receive import BuildEvent


def build_bridge(settings: Settings, adapters: Adapters) -> Bridge:
    lease = LeasePolicy(
        lease=timedelta(seconds=settings.intent_lease_seconds),
        settle_after=timedelta(seconds=settings.intent_settle_seconds),
    )
    settle = _settle(adapters, lease)
    table = build_handler_table(adapters, client_id=settings.stripe_client_id)
    build_event = BuildEvent(
        adapters.clock, livemode=settings.livemode, known_types=frozenset(table.handlers)
    )
    every = settings.reconcile_every
    intents = build_intents(adapters, settle)
    receivers = build_receivers(
        adapters,
        settle,
        url=settings.receiver_url,
        check_every=every,
        has_extra_secrets=bool(settings.stripe_webhook_secrets),
    )
    webhook_events = _webhook_events(settings, adapters, lease, table, build_event)
    reconciliation = build_reconciliation(adapters, settle, build_event, receivers.check, every=every)
    changes = build_changes(adapters, keep_objects=timedelta(days=settings.change_object_days))
    return Bridge(
        access=build_access(adapters, public_url=settings.public_url),
        integrations=_integrations(settings, adapters, settle),
        sales_orders=build_sales_orders(adapters),
        invoices=build_invoices(adapters, settle, days_until_due=settings.invoice_days_until_due),
        refunds=build_refunds(adapters, settle),
        panel=build_panel(adapters),
        receivers=receivers,
        webhook_events=webhook_events,
        changes=changes,
        subscribers=build_subscribers(adapters),
        intents=intents,
        reconciliation=reconciliation,
        operations=_operations(
            settings, adapters, intents, receivers, webhook_events, reconciliation, changes
        ),
    )


def _settle(adapters: Adapters, lease: LeasePolicy) -> SettleIntent:
    return SettleIntent(
        adapters.store,
        adapters.clock,
        adapters.randomness,
        {
            **integration_steps(adapters),
            **invoice_steps(adapters),
            **receiver_steps(adapters),
            **refund_steps(adapters),
        },
        lease,
        adapters.metrics,
        adapters.tracing,
    )


def _webhook_events(
    settings: Settings,
    adapters: Adapters,
    lease: LeasePolicy,
    table: HandlerTable,
    build_event: BuildEvent,
) -> WebhookEvents:
    return build_webhook_events(
        adapters,
        table,
        build_event,
        lease=lease.lease,
        pause_factor=settings.worker_pause_factor,
        extra_secrets=settings.stripe_webhook_secrets,
    )


def _integrations(settings: Settings, adapters: Adapters, settle: SettleIntent) -> Integrations:
    return build_integrations(
        adapters,
        settle,
        RequestReceiver(adapters.clock, adapters.identifiers, settings.receiver_url),
        redirect_uri=settings.redirect_uri,
        livemode=settings.livemode,
    )


def _operations(
    settings: Settings,
    adapters: Adapters,
    intents: Intents,
    receivers: Receivers,
    webhook_events: WebhookEvents,
    reconciliation: Reconciliation,
    changes: Changes,
) -> Operations:
    return build_operations(
        adapters,
        intents,
        receivers,
        webhook_events,
        reconciliation,
        changes,
        setup=Setup(
            is_one_file=settings.database_url.startswith("sqlite"),
            has_redis=settings.redis_url is not None,
            is_watched=settings.metrics_token is not None,
            payload_days=settings.event_payload_days,
            object_days=settings.change_object_days,
            reconcile_every=settings.reconcile_every,
        ),
        platform=PlatformSetup(
            public_url=settings.public_url,
            receiver_url=settings.receiver_url,
            redirect_uri=settings.redirect_uri,
            livemode=settings.livemode,
            has_extra_secrets=bool(settings.stripe_webhook_secrets),
        ),
    )

"""Where every use case gets its ports, real or fake."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from stripe_bridge.bootstrap.ports import Adapters
from stripe_bridge.bootstrap.steps import endpoint_statuses_of, handlers_of, steps_of
from stripe_bridge.bootstrap.tracing import traced_handlers, traced_settle, traced_steps
from stripe_bridge.bootstrap.upkeep import upkeep_of
from stripe_bridge.bridge import Access, Bridge, Events, Integrations, Invoices, Operations
from stripe_bridge.config import Settings
from stripe_bridge.domain.intent import LeasePolicy
from stripe_bridge.use_cases.access.idempotency import (
    BeginIdempotentRequest,
    FinishIdempotentRequest,
    PurgeIdempotencyKeys,
)
from stripe_bridge.use_cases.access.tokens import (
    Authenticate,
    CheckTenant,
    CreateToken,
    ListTokens,
    RevokeToken,
)
from stripe_bridge.use_cases.integrations.authorize import StartAuthorization
from stripe_bridge.use_cases.integrations.connect import CompleteAuthorization
from stripe_bridge.use_cases.integrations.disconnect import DisconnectIntegration
from stripe_bridge.use_cases.integrations.in_flight import ListInFlight
from stripe_bridge.use_cases.integrations.manage import CreateIntegration, ListIntegrations, ShowIntegration
from stripe_bridge.use_cases.intents.queries import ListIntents, ShowIntent
from stripe_bridge.use_cases.intents.resolve import ResolveDueIntents, ResolveIntent, resume_waiting_intents
from stripe_bridge.use_cases.intents.settle import SettleDueIntents, SettleIntent
from stripe_bridge.use_cases.intents.step import Settle
from stripe_bridge.use_cases.invoices.queries import (
    ListInvoices,
    ListOrderInvoices,
    ShowActivity,
    ShowInvoice,
)
from stripe_bridge.use_cases.invoices.revisions import CheckRevisions
from stripe_bridge.use_cases.invoices.send import SendInvoice
from stripe_bridge.use_cases.invoices.void import VoidInvoice
from stripe_bridge.use_cases.operations.backlog import MeasureBacklog
from stripe_bridge.use_cases.operations.key_rotation import RotateKeys
from stripe_bridge.use_cases.operations.readiness import CheckReadiness, CheckSecrets
from stripe_bridge.use_cases.receivers.queries import ListReceivers
from stripe_bridge.use_cases.receivers.register import AttachReceiver, RegisterReceivers, RequestReceiver
from stripe_bridge.use_cases.records.invoices import RecordInvoice, lock_invoice
from stripe_bridge.use_cases.records.ledger import RefundLedger
from stripe_bridge.use_cases.refunds.issue import IssueRefund, ListRefunds
from stripe_bridge.use_cases.sales_orders.put import PutSalesOrder
from stripe_bridge.use_cases.sales_orders.show import ShowSalesOrder
from stripe_bridge.use_cases.webhook_events.apply import ApplyEvents
from stripe_bridge.use_cases.webhook_events.backpressure import YieldToReceiving
from stripe_bridge.use_cases.webhook_events.dispatch import DispatchEvents
from stripe_bridge.use_cases.webhook_events.handlers.handler import HandlerTable
from stripe_bridge.use_cases.webhook_events.queries import ListWebhookEvents, ShowWebhookEvent
from stripe_bridge.use_cases.webhook_events.receive import BuildEvent, ReceiveWebhook, StoreFetchedEvent
from stripe_bridge.use_cases.webhook_events.replay import ReplayWebhookEvent, ReplayWebhookEvents


def build_bridge(settings: Settings, adapters: Adapters) -> Bridge:
    patience = LeasePolicy(
        lease=timedelta(seconds=settings.intent_lease_seconds),
        settle_after=timedelta(seconds=settings.intent_settle_seconds),
    )
    tracing = adapters.tracing
    steps = traced_steps(tracing, steps_of(adapters))
    settle = traced_settle(
        tracing,
        SettleIntent(adapters.store, adapters.clock, adapters.randomness, steps, patience, adapters.metrics),
    )
    table = handlers_of(settings, adapters)
    table = replace(table, handlers=traced_handlers(tracing, table.handlers))
    form = BuildEvent(adapters.clock, livemode=settings.livemode, known_types=frozenset(table.handlers))
    events = _events(settings, adapters, patience, table, form)
    operations = _operations(settings, adapters, settle)
    return Bridge.of(
        _access(adapters),
        _integrations(settings, adapters, settle),
        _invoices(settings, adapters, settle),
        events,
        operations,
        upkeep_of(settings, adapters, StoreFetchedEvent(form), events, operations),
    )


def _access(adapters: Adapters) -> Access:
    store, clock = adapters.store, adapters.clock
    return Access(
        authenticate=Authenticate(store, adapters.identity_provider),
        create_token=CreateToken(store, clock, adapters.identifiers),
        list_tokens=ListTokens(store),
        revoke_token=RevokeToken(store, clock),
        check_tenant=CheckTenant(store),
        begin_request=BeginIdempotentRequest(store, clock, adapters.vault),
        finish_request=FinishIdempotentRequest(store, adapters.vault),
        forget_requests=PurgeIdempotencyKeys(store, clock),
    )


def _integrations(settings: Settings, adapters: Adapters, settle: Settle) -> Integrations:
    store, clock, identifiers = adapters.store, adapters.clock, adapters.identifiers
    gateway, track = adapters.connect_gateway, ListInFlight(store)
    return Integrations(
        create_integration=CreateIntegration(store, clock, livemode=settings.livemode),
        show_integration=ShowIntegration(store),
        list_integrations=ListIntegrations(store),
        start_authorization=StartAuthorization(
            store,
            clock,
            identifiers,
            gateway,
            redirect_uri=f"{settings.public_url}/api/stripe/oauth/callback",
        ),
        complete_authorization=CompleteAuthorization(
            store,
            clock,
            identifiers,
            gateway,
            adapters.vault,
            adapters.nudges,
            settle,
            resume_waiting_intents,
            RequestReceiver(clock, identifiers, _receiver_url(settings)),
            livemode=settings.livemode,
        ),
        disconnect_integration=DisconnectIntegration(store, clock, identifiers, settle, track),
        track_money=track,
    )


def _invoices(settings: Settings, adapters: Adapters, settle: Settle) -> Invoices:
    store, clock, identifiers = adapters.store, adapters.clock, adapters.identifiers
    return Invoices(
        put_sales_order=PutSalesOrder(store, clock),
        show_sales_order=ShowSalesOrder(store),
        send_invoice=SendInvoice(
            store,
            clock,
            identifiers,
            settle,
            CheckRevisions(adapters.invoice_gateway, adapters.refund_gateway),
            settings.invoice_days_until_due,
        ),
        show_invoice=ShowInvoice(store),
        list_invoices=ListInvoices(store),
        list_order_invoices=ListOrderInvoices(store),
        show_activity=ShowActivity(store),
        void_invoice=VoidInvoice(store, clock, identifiers, settle),
        refund_invoice=IssueRefund(
            store,
            clock,
            identifiers,
            settle,
            adapters.invoice_gateway,
            adapters.refund_gateway,
            RecordInvoice(clock).payments,
            RefundLedger(clock),
            lock_invoice,
        ),
        list_refunds=ListRefunds(store),
    )


def _events(
    settings: Settings,
    adapters: Adapters,
    patience: LeasePolicy,
    table: HandlerTable,
    form: BuildEvent,
) -> Events:
    store, clock, nudges = adapters.store, adapters.clock, adapters.nudges
    return Events(
        receive_webhook=ReceiveWebhook(
            store,
            adapters.event_ingest,
            clock,
            adapters.signatures,
            adapters.vault,
            nudges,
            adapters.metrics,
            adapters.read_event,
            form,
            extra_secrets=settings.stripe_webhook_secrets,
        ),
        apply_events=ApplyEvents(
            store,
            clock,
            adapters.randomness,
            table,
            DispatchEvents(table),
            patience.lease,
            adapters.metrics,
        ),
        give_way=YieldToReceiving(store, clock, rest=settings.worker_rest),
        list_webhook_events=ListWebhookEvents(store),
        show_webhook_event=ShowWebhookEvent(store),
        replay_webhook_event=ReplayWebhookEvent(store, clock, nudges),
        replay_webhook_events=ReplayWebhookEvents(store, clock, nudges),
    )


def _operations(settings: Settings, adapters: Adapters, settle: Settle) -> Operations:
    store, clock, vault = adapters.store, adapters.clock, adapters.vault
    return Operations(
        settle_due_intents=SettleDueIntents(store, clock, settle),
        list_intents=ListIntents(store),
        show_intent=ShowIntent(store),
        resolve_intent=ResolveIntent(store, clock, settle),
        resolve_due_intents=ResolveDueIntents(store, clock, settle),
        register_receivers=RegisterReceivers(
            store,
            clock,
            adapters.identifiers,
            settle,
            endpoint_statuses_of(adapters),
            _receiver_url(settings),
        ),
        attach_receiver=AttachReceiver(store, clock, vault, _receiver_url(settings)),
        list_receivers=ListReceivers(store),
        rotate_keys=RotateKeys(store, vault),
        check_readiness=CheckReadiness(
            {"database": store.check, "queue": adapters.nudges.check, "secrets": CheckSecrets(store, vault)}
        ),
        measure_backlog=MeasureBacklog(store, clock, adapters.nudges),
    )


def _receiver_url(settings: Settings) -> str:
    return f"{settings.public_url}/api/webhooks/stripe"

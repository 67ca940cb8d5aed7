"""Every use case, built from its ports: one function for each room."""

from __future__ import annotations

from datetime import timedelta

from stripe_bridge.bootstrap.ports import Adapters
from stripe_bridge.bootstrap.steps import (
    encryption_key,
    endpoint_statuses,
    handlers_of,
    ledger_of,
    steps_of,
)
from stripe_bridge.bootstrap.upkeep import build_operations, build_reconciliation
from stripe_bridge.bridge import Bridge
from stripe_bridge.config import Settings
from stripe_bridge.domain.intent import LeasePolicy
from stripe_bridge.use_cases.access import Access
from stripe_bridge.use_cases.access.denials import ForgetActWindows, RecordDenial
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
from stripe_bridge.use_cases.changes import Changes
from stripe_bridge.use_cases.changes.read import FindHeads, FindLastChange, ReadFeed, SkipForeign
from stripe_bridge.use_cases.changes.resume import ResumeSends
from stripe_bridge.use_cases.changes.witness import HoldOnContradiction
from stripe_bridge.use_cases.integrations import Integrations
from stripe_bridge.use_cases.integrations.confirm import ConfirmAuthorization
from stripe_bridge.use_cases.integrations.connect import CompleteAuthorization
from stripe_bridge.use_cases.integrations.disconnect import DisconnectIntegration
from stripe_bridge.use_cases.integrations.in_flight import ListInFlight
from stripe_bridge.use_cases.integrations.manage import (
    CreateIntegration,
    ListIntegrations,
    ShowIntegration,
    StartAuthorization,
)
from stripe_bridge.use_cases.integrations.redeem import RedeemCode
from stripe_bridge.use_cases.intents import Intents
from stripe_bridge.use_cases.intents.queries import ListIntents, ShowIntent
from stripe_bridge.use_cases.intents.resolve import ResolveDueIntents, ResolveIntent
from stripe_bridge.use_cases.intents.settle import SettleDueIntents, SettleIntent
from stripe_bridge.use_cases.invoices import Invoices
from stripe_bridge.use_cases.invoices.links import RenewLinks
from stripe_bridge.use_cases.invoices.queries import (
    ListInvoices,
    ListOrderInvoices,
    ShowActivity,
    ShowInvoice,
)
from stripe_bridge.use_cases.invoices.revisions import CheckRevisions
from stripe_bridge.use_cases.invoices.send import SendInvoice
from stripe_bridge.use_cases.invoices.void import VoidInvoice
from stripe_bridge.use_cases.receivers import Receivers
from stripe_bridge.use_cases.receivers.check import CheckReceivers, CheckReceiversDue
from stripe_bridge.use_cases.receivers.queries import ListReceivers
from stripe_bridge.use_cases.receivers.register import AttachReceiver, RegisterReceivers, RequestReceiver
from stripe_bridge.use_cases.records.invoices import RecordInvoice
from stripe_bridge.use_cases.records.signed_metadata import SignedMetadata
from stripe_bridge.use_cases.refunds import Refunds
from stripe_bridge.use_cases.refunds.duplicates import AcceptDuplicate
from stripe_bridge.use_cases.refunds.issue import IssueRefund, ListRefunds
from stripe_bridge.use_cases.sales_orders import SalesOrders
from stripe_bridge.use_cases.sales_orders.put import PutSalesOrder
from stripe_bridge.use_cases.sales_orders.reset import ResetUpdatedAt
from stripe_bridge.use_cases.sales_orders.show import ShowSalesOrder
from stripe_bridge.use_cases.subscribers import Subscribers
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
from stripe_bridge.use_cases.webhook_events import WebhookEvents
from stripe_bridge.use_cases.webhook_events.apply import ApplyEvents
from stripe_bridge.use_cases.webhook_events.backpressure import YieldToReceiving
from stripe_bridge.use_cases.webhook_events.handlers.handler import HandlerTable
from stripe_bridge.use_cases.webhook_events.queries import ListWebhookEvents, ShowWebhookEvent
from stripe_bridge.use_cases.webhook_events.receive import BuildEvent, ReceiveWebhook
from stripe_bridge.use_cases.webhook_events.replay import ReplayWebhookEvent, ReplayWebhookEvents


def build_bridge(settings: Settings, adapters: Adapters) -> Bridge:
    lease = LeasePolicy(
        lease=timedelta(seconds=settings.intent_lease_seconds),
        settle_after=timedelta(seconds=settings.intent_settle_seconds),
    )
    settle = _settle(adapters, lease)
    table = handlers_of(settings, adapters)
    build_event = BuildEvent(
        adapters.clock, livemode=settings.livemode, known_types=frozenset(table.handlers)
    )
    intents = _intents(adapters, settle)
    receivers = _receivers(settings, adapters, settle)
    webhook_events = _webhook_events(settings, adapters, lease, table, build_event)
    reconciliation = build_reconciliation(settings, adapters, settle, build_event, receivers.check)
    return Bridge(
        access=_access(adapters),
        integrations=_integrations(settings, adapters, settle),
        sales_orders=_sales_orders(adapters),
        invoices=_invoices(settings, adapters, settle),
        refunds=_refunds(adapters, settle),
        receivers=receivers,
        webhook_events=webhook_events,
        changes=_changes(adapters),
        subscribers=_subscribers(adapters),
        intents=intents,
        reconciliation=reconciliation,
        operations=build_operations(settings, adapters, intents, receivers, webhook_events, reconciliation),
    )


def _settle(adapters: Adapters, lease: LeasePolicy) -> SettleIntent:
    return SettleIntent(
        adapters.store,
        adapters.clock,
        adapters.randomness,
        steps_of(adapters),
        lease,
        adapters.metrics,
        adapters.tracing,
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
        purge_idempotency_keys=PurgeIdempotencyKeys(store, clock),
        record_denial=RecordDenial(store, clock),
        forget_act_windows=ForgetActWindows(store, clock),
    )


def _changes(adapters: Adapters) -> Changes:
    store, clock = adapters.store, adapters.clock
    return Changes(
        read=ReadFeed(store, HoldOnContradiction(store, clock)),
        find_heads=FindHeads(store),
        find_last=FindLastChange(store),
        skip_foreign=SkipForeign(store),
        resume_sends=ResumeSends(store, clock),
    )


def _subscribers(adapters: Adapters) -> Subscribers:
    store, clock, identifiers, vault = adapters.store, adapters.clock, adapters.identifiers, adapters.vault
    deliveries, key = adapters.deliveries, encryption_key(adapters)
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


def _intents(adapters: Adapters, settle: SettleIntent) -> Intents:
    store, clock = adapters.store, adapters.clock
    return Intents(
        settle_due=SettleDueIntents(store, clock, settle),
        list=ListIntents(store),
        show=ShowIntent(store),
        resolve=ResolveIntent(store, clock, settle),
        resolve_due=ResolveDueIntents(store, clock, settle),
    )


def _integrations(settings: Settings, adapters: Adapters, settle: SettleIntent) -> Integrations:
    store, clock, identifiers = adapters.store, adapters.clock, adapters.identifiers
    gateway, in_flight = adapters.connect_gateway, ListInFlight(store)
    redeem = RedeemCode(
        store,
        clock,
        identifiers,
        gateway,
        adapters.vault,
        adapters.nudges,
        settle,
        RequestReceiver(clock, identifiers, settings.receiver_url),
        livemode=settings.livemode,
    )
    return Integrations(
        create=CreateIntegration(store, clock, livemode=settings.livemode),
        show=ShowIntegration(store),
        list=ListIntegrations(store),
        authorize=StartAuthorization(
            store,
            clock,
            identifiers,
            gateway,
            redirect_uri=f"{settings.public_url}/api/stripe/oauth/callback",
        ),
        complete_authorization=CompleteAuthorization(store, clock, adapters.vault, redeem),
        confirm_authorization=ConfirmAuthorization(store, clock, adapters.vault, redeem),
        disconnect=DisconnectIntegration(store, clock, identifiers, settle, in_flight),
        list_in_flight=in_flight,
    )


def _sales_orders(adapters: Adapters) -> SalesOrders:
    return SalesOrders(
        put=PutSalesOrder(adapters.store, adapters.clock),
        show=ShowSalesOrder(adapters.store),
        reset_updated_at=ResetUpdatedAt(adapters.store, adapters.clock),
    )


def _invoices(settings: Settings, adapters: Adapters, settle: SettleIntent) -> Invoices:
    store, clock, identifiers = adapters.store, adapters.clock, adapters.identifiers
    revisions = CheckRevisions(adapters.invoice_gateway, adapters.refund_gateway)
    return Invoices(
        send=SendInvoice(
            store,
            clock,
            identifiers,
            settle,
            revisions,
            SignedMetadata(adapters.signer),
            settings.invoice_days_until_due,
        ),
        void=VoidInvoice(store, clock, identifiers, settle),
        show=ShowInvoice(store, RenewLinks(store, clock, adapters.invoice_gateway, RecordInvoice(clock))),
        list=ListInvoices(store),
        list_for_order=ListOrderInvoices(store),
        show_activity=ShowActivity(store),
    )


def _refunds(adapters: Adapters, settle: SettleIntent) -> Refunds:
    clock = adapters.clock
    return Refunds(
        issue=IssueRefund(
            adapters.store,
            clock,
            adapters.identifiers,
            settle,
            adapters.invoice_gateway,
            adapters.refund_gateway,
            RecordInvoice(clock),
            ledger_of(adapters),
            SignedMetadata(adapters.signer),
        ),
        list=ListRefunds(adapters.store),
        accept_duplicate=AcceptDuplicate(adapters.store, clock),
    )


def _receivers(settings: Settings, adapters: Adapters, settle: SettleIntent) -> Receivers:
    store, clock, vault = adapters.store, adapters.clock, adapters.vault
    statuses, key, url = endpoint_statuses(adapters), encryption_key(adapters), settings.receiver_url
    check = CheckReceivers(store, clock, statuses, url)
    return Receivers(
        register=RegisterReceivers(store, clock, adapters.identifiers, settle, statuses, key, url),
        attach=AttachReceiver(store, clock, vault, key, url),
        list=ListReceivers(store),
        check=check,
        check_due=CheckReceiversDue(
            store,
            clock,
            check,
            every=settings.reconcile_every,
            has_extra_secrets=bool(settings.stripe_webhook_secrets),
        ),
    )


def _webhook_events(
    settings: Settings,
    adapters: Adapters,
    lease: LeasePolicy,
    table: HandlerTable,
    build_event: BuildEvent,
) -> WebhookEvents:
    store, clock, nudges = adapters.store, adapters.clock, adapters.nudges
    return WebhookEvents(
        receive=ReceiveWebhook(
            store,
            adapters.event_ingest,
            clock,
            adapters.signatures,
            adapters.vault,
            nudges,
            adapters.metrics,
            adapters.read_event,
            build_event,
            extra_secrets=settings.stripe_webhook_secrets,
        ),
        apply=ApplyEvents(
            store,
            clock,
            adapters.randomness,
            table,
            lease.lease,
            adapters.metrics,
            adapters.tracing,
        ),
        yield_to_receiving=YieldToReceiving(store, clock, pause_factor=settings.worker_pause_factor),
        list=ListWebhookEvents(store),
        show=ShowWebhookEvent(store, adapters.clock),
        replay=ReplayWebhookEvent(store, clock, nudges),
        replay_matching=ReplayWebhookEvents(store, clock, nudges),
    )

"""The one door: every use case by name, for web, cli and worker. `bootstrap` fills it, a group at a time."""

from __future__ import annotations

from dataclasses import dataclass

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
from stripe_bridge.use_cases.intents.resolve import ResolveDueIntents, ResolveIntent
from stripe_bridge.use_cases.intents.settle import SettleDueIntents
from stripe_bridge.use_cases.invoices.queries import (
    ListInvoices,
    ListOrderInvoices,
    ShowActivity,
    ShowInvoice,
)
from stripe_bridge.use_cases.invoices.send import SendInvoice
from stripe_bridge.use_cases.invoices.void import VoidInvoice
from stripe_bridge.use_cases.operations.backlog import MeasureBacklog
from stripe_bridge.use_cases.operations.doctor import Diagnose
from stripe_bridge.use_cases.operations.doctor_fixes import ApplyFixes
from stripe_bridge.use_cases.operations.key_rotation import RotateKeys
from stripe_bridge.use_cases.operations.readiness import CheckReadiness
from stripe_bridge.use_cases.operations.retention import PurgeOAuthStates, PurgePayloads
from stripe_bridge.use_cases.receivers.check import CheckReceivers, CheckReceiversDue
from stripe_bridge.use_cases.receivers.queries import ListReceivers
from stripe_bridge.use_cases.receivers.register import AttachReceiver, RegisterReceivers
from stripe_bridge.use_cases.reconciliation.reconcile import (
    ListConnected,
    ReconcileDue,
    ReconcileIntegration,
)
from stripe_bridge.use_cases.reconciliation.totals import CompactTotals, VerifyTotals
from stripe_bridge.use_cases.refunds.issue import IssueRefund, ListRefunds
from stripe_bridge.use_cases.sales_orders.put import PutSalesOrder
from stripe_bridge.use_cases.sales_orders.show import ShowSalesOrder
from stripe_bridge.use_cases.webhook_events.apply import ApplyEvents
from stripe_bridge.use_cases.webhook_events.backpressure import YieldToReceiving
from stripe_bridge.use_cases.webhook_events.queries import ListWebhookEvents, ShowWebhookEvent
from stripe_bridge.use_cases.webhook_events.receive import ReceiveWebhook
from stripe_bridge.use_cases.webhook_events.replay import ReplayWebhookEvent, ReplayWebhookEvents


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who may come in."""

    authenticate: Authenticate
    create_token: CreateToken
    list_tokens: ListTokens
    revoke_token: RevokeToken
    check_tenant: CheckTenant
    begin_request: BeginIdempotentRequest
    finish_request: FinishIdempotentRequest
    forget_requests: PurgeIdempotencyKeys


@dataclass(frozen=True, kw_only=True)
class Integrations:
    """Connecting and disconnecting Stripe accounts."""

    create_integration: CreateIntegration
    show_integration: ShowIntegration
    list_integrations: ListIntegrations
    start_authorization: StartAuthorization
    complete_authorization: CompleteAuthorization
    disconnect_integration: DisconnectIntegration
    track_money: ListInFlight


@dataclass(frozen=True, kw_only=True)
class Invoices:
    """Sales orders, and the invoices for them."""

    put_sales_order: PutSalesOrder
    show_sales_order: ShowSalesOrder
    send_invoice: SendInvoice
    show_invoice: ShowInvoice
    list_invoices: ListInvoices
    list_order_invoices: ListOrderInvoices
    show_activity: ShowActivity
    void_invoice: VoidInvoice
    refund_invoice: IssueRefund
    list_refunds: ListRefunds


@dataclass(frozen=True, kw_only=True)
class Events:
    """Stripe's webhooks, from receiving them to their effect."""

    receive_webhook: ReceiveWebhook
    apply_events: ApplyEvents
    give_way: YieldToReceiving
    list_webhook_events: ListWebhookEvents
    show_webhook_event: ShowWebhookEvent
    replay_webhook_event: ReplayWebhookEvent
    replay_webhook_events: ReplayWebhookEvents


@dataclass(frozen=True, kw_only=True)
class Operations:
    """What operators and workers do."""

    settle_due_intents: SettleDueIntents
    list_intents: ListIntents
    show_intent: ShowIntent
    resolve_intent: ResolveIntent
    resolve_due_intents: ResolveDueIntents
    register_receivers: RegisterReceivers
    attach_receiver: AttachReceiver
    list_receivers: ListReceivers
    rotate_keys: RotateKeys
    check_readiness: CheckReadiness
    measure_backlog: MeasureBacklog


@dataclass(frozen=True, kw_only=True)
class Upkeep:
    """What keeps us in line with Stripe, and clean: by schedule, and when operators ask for it."""

    reconcile_integration: ReconcileIntegration
    reconcile_due: ReconcileDue
    list_reconcilable: ListConnected
    check_receivers: CheckReceivers
    check_receivers_due: CheckReceiversDue
    forget_authorizations: PurgeOAuthStates
    forget_payloads: PurgePayloads
    fold_counts: CompactTotals
    check_counts: VerifyTotals
    examine_service: Diagnose
    mend_findings: ApplyFixes


@dataclass(frozen=True, kw_only=True)
class Bridge(Access, Integrations, Invoices, Events, Operations, Upkeep):
    """All of them."""

    @classmethod
    def of(cls, *groups: Access | Integrations | Invoices | Events | Operations | Upkeep) -> Bridge:
        """Built from one of each group. Raises TypeError if one is missing."""
        return cls(**{name: value for group in groups for name, value in vars(group).items()})

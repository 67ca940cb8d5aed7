"""The one door: every use case by name, for web, cli and worker. `bootstrap` fills it, a group at a time."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.use_cases.applying import ApplyEvents
from stripe_bridge.use_cases.attaching import AttachReceiver
from stripe_bridge.use_cases.authorizing import CompleteAuthorization
from stripe_bridge.use_cases.checking_readiness import CheckReadiness
from stripe_bridge.use_cases.checking_receivers import CheckReceivers, CheckReceiversDue
from stripe_bridge.use_cases.counting import CheckCounts, FoldCounts
from stripe_bridge.use_cases.disconnecting import DisconnectIntegration
from stripe_bridge.use_cases.examining import ExamineService
from stripe_bridge.use_cases.forgetting import ForgetAuthorizations, ForgetPayloads
from stripe_bridge.use_cases.giving_way import GiveWay
from stripe_bridge.use_cases.granting import Authenticate, CheckTenant, CreateToken, ListTokens, RevokeToken
from stripe_bridge.use_cases.inspecting import (
    ListInvoices,
    ListOrderInvoices,
    ListWebhookEvents,
    ShowActivity,
    ShowWebhookEvent,
)
from stripe_bridge.use_cases.integrating import (
    CreateIntegration,
    ListIntegrations,
    ShowIntegration,
    StartAuthorization,
)
from stripe_bridge.use_cases.invoicing import SendInvoice, ShowInvoice
from stripe_bridge.use_cases.measuring import MeasureBacklog
from stripe_bridge.use_cases.mending import MendFindings
from stripe_bridge.use_cases.ordering import PutSalesOrder, ShowSalesOrder
from stripe_bridge.use_cases.receiving import ReceiveWebhook
from stripe_bridge.use_cases.reconciling import ListReconcilable, ReconcileDue, ReconcileIntegration
from stripe_bridge.use_cases.refunding import ListRefunds, RefundInvoice
from stripe_bridge.use_cases.registering import ListReceivers, RegisterReceivers
from stripe_bridge.use_cases.repeating_requests import BeginRequest, FinishRequest, ForgetRequests
from stripe_bridge.use_cases.replaying import ReplayWebhookEvent, ReplayWebhookEvents
from stripe_bridge.use_cases.resolving import ListIntents, ResolveDueIntents, ResolveIntent, ShowIntent
from stripe_bridge.use_cases.rotating import RotateKeys
from stripe_bridge.use_cases.settling import SettleDueIntents
from stripe_bridge.use_cases.tracking_money import TrackMoney
from stripe_bridge.use_cases.voiding import VoidInvoice


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who may come in."""

    authenticate: Authenticate
    create_token: CreateToken
    list_tokens: ListTokens
    revoke_token: RevokeToken
    check_tenant: CheckTenant
    begin_request: BeginRequest
    finish_request: FinishRequest
    forget_requests: ForgetRequests


@dataclass(frozen=True, kw_only=True)
class Integrations:
    """Connecting and disconnecting Stripe accounts."""

    create_integration: CreateIntegration
    show_integration: ShowIntegration
    list_integrations: ListIntegrations
    start_authorization: StartAuthorization
    complete_authorization: CompleteAuthorization
    disconnect_integration: DisconnectIntegration
    track_money: TrackMoney


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
    refund_invoice: RefundInvoice
    list_refunds: ListRefunds


@dataclass(frozen=True, kw_only=True)
class Events:
    """Stripe's webhooks, from receiving them to their effect."""

    receive_webhook: ReceiveWebhook
    apply_events: ApplyEvents
    give_way: GiveWay
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
    list_reconcilable: ListReconcilable
    check_receivers: CheckReceivers
    check_receivers_due: CheckReceiversDue
    forget_authorizations: ForgetAuthorizations
    forget_payloads: ForgetPayloads
    fold_counts: FoldCounts
    check_counts: CheckCounts
    examine_service: ExamineService
    mend_findings: MendFindings


@dataclass(frozen=True, kw_only=True)
class Bridge(Access, Integrations, Invoices, Events, Operations, Upkeep):
    """All of them."""

    @classmethod
    def of(cls, *groups: Access | Integrations | Invoices | Events | Operations | Upkeep) -> Bridge:
        """Built from one of each group. Raises TypeError if one is missing."""
        return cls(**{name: value for group in groups for name, value in vars(group).items()})

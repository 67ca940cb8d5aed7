"""What keeps the service true to Stripe, wired."""

from __future__ import annotations

from datetime import timedelta

from stripe_bridge.bootstrap.driven import Adapters
from stripe_bridge.bootstrap.mending import mend_with
from stripe_bridge.bootstrap.tracing import traced
from stripe_bridge.bridge import Events, Operations, Upkeep
from stripe_bridge.config import Settings
from stripe_bridge.use_cases.catching_up import CatchUp
from stripe_bridge.use_cases.checking_receivers import CheckReceivers, CheckReceiversDue
from stripe_bridge.use_cases.counting import CheckCounts, FoldCounts
from stripe_bridge.use_cases.examining import ExamineService
from stripe_bridge.use_cases.examining_calls import ExamineCalls
from stripe_bridge.use_cases.examining_receivers import ExamineReceivers
from stripe_bridge.use_cases.forgetting import ForgetAuthorizations, ForgetPayloads
from stripe_bridge.use_cases.keeping_the_ledger import KeepLedger
from stripe_bridge.use_cases.leaving import leave_account
from stripe_bridge.use_cases.receiving import KeepEvent
from stripe_bridge.use_cases.reconciling import ListReconcilable, ReconcileDue, ReconcileIntegration
from stripe_bridge.use_cases.recording import RecordInvoice, lock_invoice
from stripe_bridge.use_cases.refreshing import RefreshAccount
from stripe_bridge.use_cases.repairing_receivers import RepairReceivers
from stripe_bridge.use_cases.sweeping import Disputes, Invoices, Refunds, SweepAccount, SweepKind
from stripe_bridge.use_cases.tracking_money import TrackMoney
from stripe_bridge.use_cases.undoing import UndoStuckDraft


def upkeep_of(
    settings: Settings, adapters: Adapters, keep: KeepEvent, events: Events, operations: Operations
) -> Upkeep:
    store, clock = adapters.store, adapters.clock
    every = timedelta(seconds=settings.reconcile_seconds)
    receiver_url = f"{settings.public_url}/api/webhooks/stripe"
    has_extra_secrets = bool(settings.stripe_webhook_secrets)
    gateway = adapters.receiver_gateway
    check = CheckReceivers(store, clock, gateway, adapters.vault, receiver_url)
    repair = RepairReceivers(store, clock, gateway, receiver_url)
    reconcile = traced(
        adapters.tracing, _reconcile(adapters, keep, check, every), "reconcile", "integration.id"
    )
    return Upkeep(
        reconcile_integration=reconcile,
        reconcile_due=ReconcileDue(store, clock, reconcile, every=every),
        list_reconcilable=ListReconcilable(store),
        check_receivers=check,
        check_receivers_due=CheckReceiversDue(
            store, clock, check, every=every, has_extra_secrets=has_extra_secrets
        ),
        forget_authorizations=ForgetAuthorizations(store, clock),
        forget_payloads=ForgetPayloads(store, clock, timedelta(days=settings.event_payload_days)),
        fold_counts=FoldCounts(store),
        check_counts=CheckCounts(store),
        examine_service=ExamineService(
            store,
            clock,
            adapters.vault,
            adapters.event_gateway,
            operations.check_readiness,
            ExamineReceivers(check, check.of_integration, has_extra_secrets=has_extra_secrets),
            ExamineCalls(store, clock, adapters.event_gateway, TrackMoney(store)),
            every=every,
        ),
        mend_findings=mend_with(events, operations, reconcile, repair),
    )


def _reconcile(
    adapters: Adapters, keep: KeepEvent, check: CheckReceivers, every: timedelta
) -> ReconcileIntegration:
    store, clock = adapters.store, adapters.clock
    return ReconcileIntegration(
        store,
        clock,
        RefreshAccount(store, clock, adapters.connect_gateway, leave_account),
        CatchUp(store, clock, adapters.nudges, adapters.event_gateway, keep),
        _sweep(adapters),
        check.of_integration,
        CheckCounts(store),
        adapters.measurements,
        every=every,
    )


def _sweep(adapters: Adapters) -> SweepAccount:
    store, clock, ledger = adapters.store, adapters.clock, KeepLedger(adapters.clock)
    undo = UndoStuckDraft(clock, adapters.identifiers)
    invoices = Invoices(store, clock, adapters.payment_gateway, RecordInvoice(clock), lock_invoice, undo)
    refunds = Refunds(store, adapters.refund_gateway, ledger, lock_invoice)
    disputes = Disputes(store, adapters.refund_gateway, ledger, lock_invoice)
    return SweepAccount(SweepKind(store, invoices), SweepKind(store, refunds), SweepKind(store, disputes))

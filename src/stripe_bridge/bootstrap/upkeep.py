"""What keeps the service true to Stripe, wired."""

from __future__ import annotations

from datetime import timedelta

from stripe_bridge.bootstrap.ports import Adapters
from stripe_bridge.bootstrap.tracing import traced
from stripe_bridge.bridge import Events, Operations, Upkeep
from stripe_bridge.config import Settings
from stripe_bridge.use_cases.integrations.account import RefreshAccount, mark_access_revoked
from stripe_bridge.use_cases.integrations.in_flight import ListInFlight
from stripe_bridge.use_cases.operations.doctor import Diagnose
from stripe_bridge.use_cases.operations.doctor_checks import DiagnoseIntents, DiagnoseReceivers
from stripe_bridge.use_cases.operations.doctor_fixes import ApplyFixes
from stripe_bridge.use_cases.operations.retention import PurgeOAuthStates, PurgePayloads
from stripe_bridge.use_cases.receivers.check import CheckReceivers, CheckReceiversDue, RepairReceivers
from stripe_bridge.use_cases.receivers.endpoint_status import EndpointStatuses
from stripe_bridge.use_cases.reconciliation.missed_events import FetchMissedEvents
from stripe_bridge.use_cases.reconciliation.reconcile import (
    ListConnected,
    ReconcileDue,
    ReconcileIntegration,
)
from stripe_bridge.use_cases.reconciliation.sweep import SweepAccount, SweepKind
from stripe_bridge.use_cases.reconciliation.totals import CompactTotals, VerifyTotals
from stripe_bridge.use_cases.records.invoices import RecordInvoice
from stripe_bridge.use_cases.records.ledger import RefundLedger
from stripe_bridge.use_cases.records.refetch import DeleteStuckDraft, Disputes, FinalCheck, Invoices, Refunds
from stripe_bridge.use_cases.webhook_events.receive import StoreFetchedEvent


def upkeep_of(
    settings: Settings, adapters: Adapters, keep: StoreFetchedEvent, events: Events, operations: Operations
) -> Upkeep:
    store, clock = adapters.store, adapters.clock
    every = timedelta(seconds=settings.reconcile_seconds)
    receiver_url = f"{settings.public_url}/api/webhooks/stripe"
    has_extra_secrets = bool(settings.stripe_webhook_secrets)
    gateway = adapters.receiver_gateway
    statuses = EndpointStatuses(store, gateway, adapters.vault)
    check = CheckReceivers(store, clock, statuses, receiver_url)
    repair = RepairReceivers(store, clock, gateway, statuses, receiver_url)
    reconcile = traced(
        adapters.tracing, _reconcile(adapters, keep, check, every), "reconcile", "integration.id"
    )
    return Upkeep(
        reconcile_integration=reconcile,
        reconcile_due=ReconcileDue(store, clock, reconcile, every=every),
        list_reconcilable=ListConnected(store),
        check_receivers=check,
        check_receivers_due=CheckReceiversDue(
            store, clock, check, every=every, has_extra_secrets=has_extra_secrets
        ),
        forget_authorizations=PurgeOAuthStates(store, clock),
        forget_payloads=PurgePayloads(store, clock, timedelta(days=settings.event_payload_days)),
        fold_counts=CompactTotals(store),
        check_counts=VerifyTotals(store),
        examine_service=Diagnose(
            store,
            clock,
            adapters.vault,
            adapters.event_gateway,
            operations.check_readiness,
            DiagnoseReceivers(check, has_extra_secrets=has_extra_secrets),
            DiagnoseIntents(store, clock, adapters.event_gateway, ListInFlight(store)),
            every=every,
        ),
        mend_findings=ApplyFixes(
            operations.register_receivers,
            repair,
            reconcile,
            operations.resolve_due_intents,
            events.replay_webhook_events,
        ),
    )


def _reconcile(
    adapters: Adapters, keep: StoreFetchedEvent, check: CheckReceivers, every: timedelta
) -> ReconcileIntegration:
    store, clock = adapters.store, adapters.clock
    return ReconcileIntegration(
        store,
        clock,
        RefreshAccount(store, clock, adapters.connect_gateway, mark_access_revoked),
        FetchMissedEvents(store, clock, adapters.nudges, adapters.event_gateway, keep),
        _sweep(adapters),
        check.of_integration,
        VerifyTotals(store),
        adapters.metrics,
        every=every,
    )


def _sweep(adapters: Adapters) -> SweepAccount:
    store, clock, ledger = adapters.store, adapters.clock, RefundLedger(adapters.clock)
    undo = DeleteStuckDraft(clock, adapters.identifiers)
    invoices = Invoices(store, clock, adapters.invoice_gateway, RecordInvoice(clock), undo)
    refunds = Refunds(store, adapters.refund_gateway, ledger)
    disputes = Disputes(store, adapters.refund_gateway, ledger)
    return SweepAccount(SweepKind(store, invoices), SweepKind(store, refunds), SweepKind(store, disputes))


def last_look_of(adapters: Adapters) -> FinalCheck:
    store, clock, ledger = adapters.store, adapters.clock, RefundLedger(adapters.clock)
    undo = DeleteStuckDraft(clock, adapters.identifiers)
    return FinalCheck(
        store,
        clock,
        [
            Invoices(store, clock, adapters.invoice_gateway, RecordInvoice(clock), undo),
            Refunds(store, adapters.refund_gateway, ledger),
            Disputes(store, adapters.refund_gateway, ledger),
        ],
    )

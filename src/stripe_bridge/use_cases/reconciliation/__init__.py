"""Comparing an account with Stripe: missed events, objects that Stripe may still change or that only an event has shown,
totals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.use_cases.integrations.account import RefreshAccount
from stripe_bridge.use_cases.intents.settle import SettleIntent
from stripe_bridge.use_cases.receivers.check import CheckReceivers
from stripe_bridge.use_cases.reconciliation.confirm import ConfirmSettlements
from stripe_bridge.use_cases.reconciliation.reconcile import (
    FetchMissedEvents,
    ListConnected,
    ReconcileDue,
    ReconcileIntegration,
)
from stripe_bridge.use_cases.reconciliation.recover import EndRecovery, RecoverAccount
from stripe_bridge.use_cases.reconciliation.sweep import SweepAccount, SweepKind
from stripe_bridge.use_cases.reconciliation.totals import CompactTotals, VerifyTotals
from stripe_bridge.use_cases.records.ledger import RefundLedger
from stripe_bridge.use_cases.records.refetch import RefetchSettled, refetch_targets
from stripe_bridge.use_cases.records.signed_metadata import SignedMetadata
from stripe_bridge.use_cases.webhook_events.receive import BuildEvent, StoreFetchedEvent


@dataclass(frozen=True, kw_only=True)
class Reconciliation:
    reconcile: ReconcileIntegration
    reconcile_due: ReconcileDue
    confirm_settlements: ConfirmSettlements
    list_connected: ListConnected
    end_recovery: EndRecovery
    compact_totals: CompactTotals
    verify_totals: VerifyTotals


def build_reconciliation(
    adapters: Adapters,
    settle: SettleIntent,
    build_event: BuildEvent,
    check_receivers: CheckReceivers,
    *,
    every: timedelta,
) -> Reconciliation:
    store, clock, verify_totals = adapters.store, adapters.clock, VerifyTotals(adapters.store)
    invoices, refunds, disputes = refetch_targets(adapters)
    sweep_invoices, sample = SweepKind(store, invoices), SweepKind(store, RefetchSettled(invoices))
    reconcile = ReconcileIntegration(
        store,
        clock,
        RefreshAccount(store, clock, adapters.connect_gateway),
        FetchMissedEvents(
            store, clock, adapters.nudges, adapters.event_gateway, StoreFetchedEvent(build_event)
        ),
        SweepAccount(sweep_invoices, SweepKind(store, refunds), SweepKind(store, disputes), sample),
        _recover(adapters, settle, sweep_invoices),
        check_receivers,
        verify_totals,
        adapters.metrics,
        adapters.tracing,
        every=every,
    )
    return Reconciliation(
        reconcile=reconcile,
        reconcile_due=ReconcileDue(store, clock, reconcile, every=every),
        confirm_settlements=ConfirmSettlements(store, clock, invoices, adapters.metrics),
        list_connected=ListConnected(store),
        end_recovery=EndRecovery(store, clock),
        compact_totals=CompactTotals(store),
        verify_totals=verify_totals,
    )


def _recover(adapters: Adapters, settle: SettleIntent, sweep_invoices: SweepKind[Invoice]) -> RecoverAccount:
    signed = SignedMetadata(adapters.signer)
    return RecoverAccount(
        adapters.store,
        adapters.clock,
        adapters.invoice_gateway,
        adapters.refund_gateway,
        settle,
        sweep_invoices,
        RefundLedger(adapters.clock, signed),
        signed,
    )

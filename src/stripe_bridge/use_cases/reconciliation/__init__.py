"""Comparing an account with Stripe: missed events, objects that Stripe may still change or that only an event has shown,
totals."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.use_cases.reconciliation.confirm import ConfirmSettlements
from stripe_bridge.use_cases.reconciliation.reconcile import ListConnected, ReconcileDue, ReconcileIntegration
from stripe_bridge.use_cases.reconciliation.recover import EndRecovery
from stripe_bridge.use_cases.reconciliation.totals import CompactTotals, VerifyTotals


@dataclass(frozen=True, kw_only=True)
class Reconciliation:
    reconcile: ReconcileIntegration
    reconcile_due: ReconcileDue
    confirm_settlements: ConfirmSettlements
    list_connected: ListConnected
    end_recovery: EndRecovery
    compact_totals: CompactTotals
    verify_totals: VerifyTotals

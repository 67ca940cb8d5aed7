"""The use cases that keep the service true to Stripe, and those for operators, built from their ports."""

from __future__ import annotations

from datetime import timedelta

from stripe_bridge.bootstrap.ports import Adapters
from stripe_bridge.bootstrap.steps import (
    encryption_key,
    endpoint_statuses,
    ledger_of,
    refetch_targets,
)
from stripe_bridge.config import Settings
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.use_cases.integrations.account import RefreshAccount
from stripe_bridge.use_cases.integrations.in_flight import ListInFlight
from stripe_bridge.use_cases.intents import Intents
from stripe_bridge.use_cases.intents.settle import SettleIntent
from stripe_bridge.use_cases.operations import Operations
from stripe_bridge.use_cases.operations.backlog import MeasureBacklog
from stripe_bridge.use_cases.operations.doctor import Diagnose
from stripe_bridge.use_cases.operations.doctor_checks import DiagnoseIntents, DiagnoseReceivers
from stripe_bridge.use_cases.operations.doctor_fixes import ApplyFixes
from stripe_bridge.use_cases.operations.doctor_recovery import DiagnoseRecovery
from stripe_bridge.use_cases.operations.doctor_refunds import DiagnoseRefunds
from stripe_bridge.use_cases.operations.doctor_settlements import DiagnoseSettlements
from stripe_bridge.use_cases.operations.doctor_subscribers import DiagnoseSubscribers
from stripe_bridge.use_cases.operations.key_rotation import RotateKeys
from stripe_bridge.use_cases.operations.readiness import CheckReadiness, CheckSecrets
from stripe_bridge.use_cases.operations.restore import HoldAllSends
from stripe_bridge.use_cases.operations.retention import PurgeOAuthStates, PurgePayloads
from stripe_bridge.use_cases.receivers import Receivers
from stripe_bridge.use_cases.receivers.check import CheckReceivers, RepairReceivers
from stripe_bridge.use_cases.reconciliation import Reconciliation
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
from stripe_bridge.use_cases.records.refetch import RefetchSettled
from stripe_bridge.use_cases.records.signed_metadata import SignedMetadata
from stripe_bridge.use_cases.webhook_events import WebhookEvents
from stripe_bridge.use_cases.webhook_events.receive import BuildEvent, StoreFetchedEvent


def build_reconciliation(
    settings: Settings,
    adapters: Adapters,
    settle: SettleIntent,
    build_event: BuildEvent,
    check: CheckReceivers,
) -> Reconciliation:
    store, clock, every = adapters.store, adapters.clock, settings.reconcile_every
    verify_totals = VerifyTotals(store)
    missed_events = FetchMissedEvents(
        store, clock, adapters.nudges, adapters.event_gateway, StoreFetchedEvent(build_event)
    )
    invoices, refunds, disputes = refetch_targets(adapters)
    sweep_invoices, sample = SweepKind(store, invoices), SweepKind(store, RefetchSettled(invoices))
    sweep = SweepAccount(sweep_invoices, SweepKind(store, refunds), SweepKind(store, disputes), sample)
    reconcile = ReconcileIntegration(
        store,
        clock,
        RefreshAccount(store, clock, adapters.connect_gateway),
        missed_events,
        sweep,
        _recover(adapters, settle, sweep_invoices),
        check,
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
    return RecoverAccount(
        adapters.store,
        adapters.clock,
        adapters.invoice_gateway,
        adapters.refund_gateway,
        settle,
        sweep_invoices,
        ledger_of(adapters),
        SignedMetadata(adapters.signer),
    )


def build_operations(
    settings: Settings,
    adapters: Adapters,
    intents: Intents,
    receivers: Receivers,
    webhook_events: WebhookEvents,
    reconciliation: Reconciliation,
) -> Operations:
    store, clock, vault = adapters.store, adapters.clock, adapters.vault
    check_readiness = CheckReadiness(
        {"database": store.check, "queue": adapters.nudges.check, "secrets": CheckSecrets(store, vault)},
        clock,
    )
    repair = RepairReceivers(
        store, clock, adapters.receiver_gateway, endpoint_statuses(adapters), settings.receiver_url
    )
    fixes = ApplyFixes(
        receivers.register,
        repair,
        reconciliation.reconcile,
        intents.resolve_due,
        webhook_events.replay_matching,
    )
    return Operations(
        check_readiness=check_readiness,
        measure_backlog=MeasureBacklog(store, clock, adapters.nudges),
        diagnose=_diagnose(settings, adapters, check_readiness, receivers.check),
        apply_fixes=fixes,
        hold_all_sends=HoldAllSends(store, clock),
        rotate_keys=RotateKeys(store, vault, encryption_key(adapters)),
        purge_payloads=PurgePayloads(store, clock, timedelta(days=settings.event_payload_days)),
        purge_oauth_states=PurgeOAuthStates(store, clock),
    )


def _diagnose(
    settings: Settings, adapters: Adapters, check_readiness: CheckReadiness, check: CheckReceivers
) -> Diagnose:
    store, clock = adapters.store, adapters.clock
    return Diagnose(
        store,
        clock,
        adapters.vault,
        adapters.event_gateway,
        check_readiness,
        DiagnoseReceivers(check, has_extra_secrets=bool(settings.stripe_webhook_secrets)),
        DiagnoseIntents(store, clock, adapters.event_gateway, ListInFlight(store)),
        encryption_key(adapters),
        DiagnoseRecovery(store, adapters.signer),
        DiagnoseRefunds(store),
        DiagnoseSettlements(store, clock),
        DiagnoseSubscribers(store, clock, adapters.vault),
        every=settings.reconcile_every,
    )

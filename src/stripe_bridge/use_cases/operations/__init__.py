"""What operators and monitoring ask for: doctor, readiness, going live, backlog, retention, key rotation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.use_cases.changes import Changes
from stripe_bridge.use_cases.integrations.in_flight import ListInFlight
from stripe_bridge.use_cases.intents import Intents
from stripe_bridge.use_cases.operations.backlog import MeasureBacklog
from stripe_bridge.use_cases.operations.doctor import Diagnose
from stripe_bridge.use_cases.operations.doctor_changes import DiagnoseChanges
from stripe_bridge.use_cases.operations.doctor_checks import DiagnoseIntents, DiagnoseReceivers
from stripe_bridge.use_cases.operations.doctor_fixes import ApplyFixes
from stripe_bridge.use_cases.operations.doctor_recovery import DiagnoseRecovery
from stripe_bridge.use_cases.operations.doctor_refunds import DiagnoseRefunds
from stripe_bridge.use_cases.operations.doctor_settlements import DiagnoseSettlements
from stripe_bridge.use_cases.operations.doctor_subscribers import DiagnoseSubscribers
from stripe_bridge.use_cases.operations.going_live import CheckBeforeGoingLive
from stripe_bridge.use_cases.operations.going_live_here import CheckHere, Setup
from stripe_bridge.use_cases.operations.going_live_stripe import CheckAtStripe, PlatformSetup
from stripe_bridge.use_cases.operations.key_rotation import RotateKeys
from stripe_bridge.use_cases.operations.overview import ShowOverview
from stripe_bridge.use_cases.operations.readiness import CheckReadiness, CheckSecrets
from stripe_bridge.use_cases.operations.restore import BeginRecovery
from stripe_bridge.use_cases.operations.retention import PurgeOAuthStates, PurgePayloads
from stripe_bridge.use_cases.receivers import Receivers
from stripe_bridge.use_cases.receivers.encryption_key import EncryptionKey
from stripe_bridge.use_cases.receivers.endpoint_status import EndpointStatuses
from stripe_bridge.use_cases.reconciliation import Reconciliation
from stripe_bridge.use_cases.webhook_events import WebhookEvents


@dataclass(frozen=True, kw_only=True)
class Operations:
    check_readiness: CheckReadiness
    check_before_going_live: CheckBeforeGoingLive
    measure_backlog: MeasureBacklog
    show_overview: ShowOverview
    diagnose: Diagnose
    apply_fixes: ApplyFixes
    begin_recovery: BeginRecovery
    rotate_keys: RotateKeys
    purge_payloads: PurgePayloads
    purge_oauth_states: PurgeOAuthStates


def build_operations(
    adapters: Adapters,
    intents: Intents,
    receivers: Receivers,
    webhook_events: WebhookEvents,
    reconciliation: Reconciliation,
    changes: Changes,
    *,
    setup: Setup,
    platform: PlatformSetup,
) -> Operations:
    store, clock, vault = adapters.store, adapters.clock, adapters.vault

    def check_queue() -> None:
        # Asked for only now: it may be loaded when it is used.
        adapters.nudges.check()

    check_readiness = CheckReadiness(
        {
            "database": store.check,
            "queue": check_queue,
            "secrets": CheckSecrets(store, vault),
        },
        clock,
    )
    check_receivers = DiagnoseReceivers(receivers.check, has_extra_secrets=platform.has_extra_secrets)
    reconcile, replay = reconciliation.reconcile, webhook_events.replay_matching
    return Operations(
        check_readiness=check_readiness,
        check_before_going_live=_before_going_live(adapters, check_readiness, setup, platform),
        measure_backlog=MeasureBacklog(store, clock, adapters.nudges),
        show_overview=ShowOverview(store, clock),
        diagnose=_diagnose(adapters, check_readiness, check_receivers, changes, every=setup.reconcile_every),
        apply_fixes=ApplyFixes(receivers.register, receivers.repair, reconcile, intents.resolve_due, replay),
        begin_recovery=BeginRecovery(store, clock),
        rotate_keys=RotateKeys(store, vault, EncryptionKey(store, clock, vault)),
        purge_payloads=PurgePayloads(store, clock, timedelta(days=setup.payload_days)),
        purge_oauth_states=PurgeOAuthStates(store, clock),
    )


def _before_going_live(
    adapters: Adapters, check_readiness: CheckReadiness, setup: Setup, platform: PlatformSetup
) -> CheckBeforeGoingLive:
    store, clock, vault = adapters.store, adapters.clock, adapters.vault
    return CheckBeforeGoingLive(
        CheckHere(store, clock, check_readiness, EncryptionKey(store, clock, vault), setup),
        CheckAtStripe(
            store,
            clock,
            adapters.stripe_probe,
            adapters.own_address,
            adapters.receiver_gateway,
            EndpointStatuses(store, adapters.receiver_gateway, vault),
            platform,
        ),
    )


def _diagnose(
    adapters: Adapters,
    check_readiness: CheckReadiness,
    receivers: DiagnoseReceivers,
    changes: Changes,
    *,
    every: timedelta,
) -> Diagnose:
    store, clock, events = adapters.store, adapters.clock, adapters.event_gateway
    return Diagnose(
        store,
        clock,
        adapters.vault,
        events,
        check_readiness,
        receivers,
        DiagnoseIntents(store, clock, events, ListInFlight(store)),
        EncryptionKey(store, clock, adapters.vault),
        DiagnoseRecovery(store, adapters.signer),
        DiagnoseRefunds(store),
        DiagnoseSettlements(store, clock),
        DiagnoseSubscribers(store, clock, adapters.vault),
        DiagnoseChanges(store, changes.check_next),
        every=every,
    )

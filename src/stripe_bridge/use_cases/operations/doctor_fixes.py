"""Fixing what the doctor found, where that needs no decision."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.finding import Finding, Fix, counted
from stripe_bridge.domain.webhook_event import EventStatus
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.ports.stripe.errors import GatewayError
from stripe_bridge.use_cases.intents.resolve import ResolveDueIntents
from stripe_bridge.use_cases.receivers.check import RepairReceivers
from stripe_bridge.use_cases.receivers.register import RegisterReceivers
from stripe_bridge.use_cases.reconciliation.reconcile import ReconcileIntegration
from stripe_bridge.use_cases.webhook_events.replay import ReplayWebhookEvents

_log = logging.getLogger(__name__)
# If there are more, run it again.
_BATCH_SIZE = 1000


class ApplyFixes:
    """Do each fix once, with a sentence for each that says what was done, or why it could not be.

    Only with `discard_secrets` are secrets that no key opens given up.
    """

    def __init__(
        self,
        register: RegisterReceivers,
        repair: RepairReceivers,
        reconcile: ReconcileIntegration,
        resolve: ResolveDueIntents,
        replay: ReplayWebhookEvents,
    ) -> None:
        self._register, self._repair, self._reconcile = register, repair, reconcile
        self._resolve, self._replay = resolve, replay

    def __call__(self, findings: Iterable[Finding], *, discard_secrets: bool = False) -> Iterator[str]:
        done = set()
        for finding in findings:
            if finding.fix is None or (finding.fix, finding.integration_id) in done:
                continue
            done.add((finding.fix, finding.integration_id))
            try:
                yield self._apply(finding, finding.fix, discard_secrets=discard_secrets)
            except BridgeError as error:
                _log.warning("fix failed", exc_info=error)
                why = error.reason if isinstance(error, GatewayError) else error.message
                yield f"{finding.subject}: could not be fixed: {why}"

    def _apply(self, finding: Finding, fix: Fix, *, discard_secrets: bool) -> str:
        match fix:
            case Fix.REGISTER_RECEIVERS:
                return self._register_receivers()
            case Fix.REPAIR_RECEIVERS:
                return f"{finding.subject}: {self._repair_receivers(_integration_of(finding))}"
            case Fix.RECONCILE:
                return f"{finding.subject}: {self._reconcile_account(_integration_of(finding))}"
            case Fix.RESOLVE_INTENTS:
                return self._resolve_intents()
            case Fix.REPLAY_EVENTS:
                return self._replay_events()
            case Fix.DISCARD_SECRETS if discard_secrets:
                return self._register_receivers(discard_secrets=True)
            case Fix.DISCARD_SECRETS:
                return (
                    f"{finding.subject}: not fixed, as that gives up every stored secret; put the key back, or, "
                    "if it is gone for good, add --discard-secrets"
                )

    def _register_receivers(self, *, discard_secrets: bool = False) -> str:
        done = self._register(discard_secrets=discard_secrets)
        return "receivers: " + ", ".join(f"{each.kind.value} {each.action}" for each in done)

    def _repair_receivers(self, integration_id: int) -> str:
        done = self._repair(integration_id)
        return f"{done.repaired} repaired, {done.removed} removed"

    def _reconcile_account(self, integration_id: int) -> str:
        report = self._reconcile(integration_id)
        if report.disconnected:
            return "disconnected, since our access to the account was revoked"
        corrected = f"{counted(sum(report.drift.values()), 'difference')} corrected"
        if report.is_complete:
            return f"reconciled, {corrected}"
        return f"reconciled in part, {corrected}; {report.faults[0]}"

    def _resolve_intents(self) -> str:
        settled = [each.is_settled for each in self._resolve(_BATCH_SIZE, dry_run=False)]
        return f"intents: {len(settled)} due, {sum(settled)} of them settled"

    def _replay_events(self) -> str:
        failed = EventFilter(status=EventStatus.FAILED)
        return f"events: {self._replay(None, failed, _BATCH_SIZE)} queued again"


def _integration_of(finding: Finding) -> int:
    assert finding.integration_id is not None, f"{finding.fix} is about an integration"
    return finding.integration_id

"""Which fix does what."""

from __future__ import annotations

from stripe_bridge.bridge import Events, Operations
from stripe_bridge.domain.finding import Finding, Fix
from stripe_bridge.domain.webhook_event import EventStatus
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.use_cases.operations.doctor_fixes import ApplyFixes
from stripe_bridge.use_cases.receivers.check import RepairReceivers
from stripe_bridge.use_cases.reconciliation.reconcile import ReconcileIntegration

# The most that are done at once; if there are more, run it again.
_MOST = 1000


def mend_with(
    events: Events, operations: Operations, reconcile: ReconcileIntegration, repair: RepairReceivers
) -> ApplyFixes:
    def register(_finding: Finding) -> str:
        done = operations.register_receivers()
        return "receivers: " + ", ".join(f"{each.kind.value} {each.action}" for each in done)

    def repair_own(finding: Finding) -> str:
        assert finding.integration_id is not None, "It is an integration whose receivers are repaired"
        done = repair(finding.integration_id)
        return f"{finding.subject}: {done.repaired} repaired, {done.removed} removed"

    def reconcile_one(finding: Finding) -> str:
        assert finding.integration_id is not None, "It is an integration that is reconciled"
        report = reconcile(finding.integration_id)
        if report.disconnected:
            return f"{finding.subject}: disconnected, since its account no longer lets us in"
        corrected = sum(report.drift.values())
        if report.is_complete:
            return f"{finding.subject}: reconciled, {corrected} differences corrected"
        return f"{finding.subject}: reconciled in part, {corrected} differences corrected; {report.faults[0]}"

    def resolve(_finding: Finding) -> str:
        settled = [each.is_settled for each in operations.resolve_due_intents(_MOST, dry_run=False)]
        return f"intents: {len(settled)} due, {sum(settled)} of them settled"

    def replay(_finding: Finding) -> str:
        failed = EventFilter(status=EventStatus.FAILED)
        replay = events.replay_webhook_events(None, failed, _MOST, dry_run=False)
        return f"events: {len(replay.queued)} queued again"

    return ApplyFixes(
        {
            Fix.REGISTER_RECEIVERS: register,
            Fix.REPAIR_RECEIVERS: repair_own,
            Fix.RECONCILE: reconcile_one,
            Fix.RESOLVE_INTENTS: resolve,
            Fix.REPLAY_EVENTS: replay,
        }
    )

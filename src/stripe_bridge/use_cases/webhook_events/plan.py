"""What replaying events would change, and whether that still holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, replace
from typing import Any

from stripe_bridge.domain.changes.shown import shown_time
from stripe_bridge.domain.replay import ObjectVersion, PlannedEvent, PlannedKind, ReplayPlan
from stripe_bridge.domain.webhook_event import StripeEvent, WebhookEvent
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.system import Clock
from stripe_bridge.ports.tracing import NoTracing
from stripe_bridge.use_cases.webhook_events.apply import DispatchEvents
from stripe_bridge.use_cases.webhook_events.dry_run import DryRun
from stripe_bridge.use_cases.webhook_events.handlers.handler import HandlerTable
from stripe_bridge.use_cases.webhook_events.rehearse import Rehearsal

BATCH_SIZE = 100
# Of how many further events it is said that they match, too.
MAX_MORE = 10_000


class PlanReplay:
    """Say what replaying the oldest matching events, at most `limit`, would change. Nothing is written or locked, and Stripe
    is not asked. Events whose payload is no longer kept are named only if they were selected by id.

    A tenant of None means all tenants: for operators only. A tenant's plan shows no other tenant's objects.
    """

    def __init__(
        self, store: Store, clock: Clock, table: HandlerTable, read_event: Callable[[bytes], StripeEvent]
    ) -> None:
        self._store, self._clock, self._table, self._read_event = store, clock, table, read_event
        self._dispatch = DispatchEvents(table, NoTracing())

    def __call__(self, tenant_id: str | None, matching: EventFilter, limit: int) -> ReplayPlan:
        now = self._clock.now()
        with self._store.reading() as view:
            found = find_events(view, tenant_id, matching, limit)
            run = DryRun(view)
            rehearsal = Rehearsal(run, self._dispatch, self._table, self._read_event, now)
            events: list[PlannedEvent] = []
            purged: list[WebhookEvent] = []
            for batch in _batches([event for event in found if not event.is_being_processed(now)]):
                payloads = view.inbox.payloads([event.id for event in batch])
                purged += [event for event in batch if not payloads[event.id]]
                kept = [replace(event, payload=payloads[event.id]) for event in batch if payloads[event.id]]
                events += [
                    replace(each, event=replace(each.event, payload=None)) for each in rehearsal.judge(kept)
                ]
            return ReplayPlan(
                tenant_id=tenant_id,
                filter=dump_filter(matching),
                limit=limit,
                found=found,
                events=events,
                being_processed=[event for event in found if event.is_being_processed(now)],
                purged=purged,
                more=view.inbox.count(tenant_id, _kept_unless_by_id(matching), up_to=limit + MAX_MORE)
                - len(found),
                objects=rehearsal.objects(tenant_id),
                holds=[hold for hold in run.holds.values() if tenant_id in (None, hold.tenant_id)],
                versions=versions_of(view, rehearsal.invoice_ids, rehearsal.integration_ids),
            )


def find_events(
    work: UnitOfWork, tenant_id: str | None, matching: EventFilter, limit: int
) -> Sequence[WebhookEvent]:
    """The oldest. Those whose payload is no longer kept only if they were selected by id."""
    return work.inbox.oldest(tenant_id, _kept_unless_by_id(matching), limit)


def still_holds(work: UnitOfWork, plan: ReplayPlan, matching: EventFilter) -> bool:
    """Whether nothing that the plan was made for has moved."""
    of_kind: dict[PlannedKind, list[int]] = {PlannedKind.INVOICE: [], PlannedKind.INTEGRATION: []}
    for each in plan.versions:
        if each.kind in of_kind:
            of_kind[each.kind].append(int(each.id))
    now = replace(
        plan,
        found=find_events(work, plan.tenant_id, matching, plan.limit),
        versions=versions_of(work, of_kind[PlannedKind.INVOICE], of_kind[PlannedKind.INTEGRATION]),
    )
    return now.digest == plan.digest


def versions_of(
    work: UnitOfWork, invoice_ids: Iterable[int], integration_ids: Iterable[int]
) -> list[ObjectVersion]:
    """Of invoices with all that belongs to them, and of integrations. A payment has no version: its content stands for it."""
    ids = sorted(invoice_ids)
    versions = [
        ObjectVersion(kind=PlannedKind.INVOICE, id=each.id, version=each.version)
        for each in work.invoices.find_all(ids)
    ]
    for payments in work.payments.of_invoices(ids).values():
        versions += [
            ObjectVersion(kind=PlannedKind.PAYMENT, id=each.stripe_id, version=str(astuple(each)))
            for each in payments
        ]
    for refunds in work.refunds.of_invoices(ids).values():
        versions += [
            ObjectVersion(kind=PlannedKind.REFUND, id=each.id, version=each.version) for each in refunds
        ]
    for disputes in work.disputes.of_invoices(ids).values():
        versions += [
            ObjectVersion(kind=PlannedKind.DISPUTE, id=each.stripe_id, version=each.version)
            for each in disputes
        ]
    for integration in map(work.integrations.find, sorted(integration_ids)):
        if integration is not None:
            versions.append(
                ObjectVersion(kind=PlannedKind.INTEGRATION, id=integration.id, version=integration.version)
            )
    return versions


def dump_filter(matching: EventFilter) -> dict[str, Any]:
    """What was asked for, with the names that callers use."""
    shown = {
        "ids": None if matching.ids is None else sorted(matching.ids),
        "integration_instance_id": matching.integration_id,
        "status": None if matching.status is None else matching.status.value,
        "event_type": matching.event_type,
        "account_id": matching.account_id,
        "related_object_id": matching.related_object_id,
        "since": shown_time(matching.since),
        "until": shown_time(matching.until),
    }
    return {name: value for name, value in shown.items() if value is not None}


def _kept_unless_by_id(matching: EventFilter) -> EventFilter:
    return matching if matching.ids is not None else replace(matching, with_payload=True)


def _batches(events: Sequence[WebhookEvent]) -> list[Sequence[WebhookEvent]]:
    return [events[first : first + BATCH_SIZE] for first in range(0, len(events), BATCH_SIZE)]

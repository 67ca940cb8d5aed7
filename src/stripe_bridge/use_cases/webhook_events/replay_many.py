"""Carrying out a plan: the record of it, and the work, a few events at a time, by whichever worker is there."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from stripe_bridge.domain.errors.conflicts import EventBeingProcessed, ReplayPlanOutdated
from stripe_bridge.domain.errors.rules import PayloadPurged
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.replay import Replay, ReplayPlan, ReplayStatus
from stripe_bridge.domain.webhook_event import EventStatus
from stripe_bridge.ports.nudges import Nudges
from stripe_bridge.ports.origin import current_origin
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.webhook_events.plan import PlanReplay, still_holds
from stripe_bridge.use_cases.webhook_events.replay import requeue

_log = logging.getLogger(__name__)
# Few enough that nobody waits for their locks, or for the write lock of SQLite.
BATCH_SIZE = 25


class StartReplay:
    """Have a plan carried out, which has this digest. Raises ReplayPlanOutdated if it is not what would be done now.

    Of two callers with the same plan, one gets to do it.
    """

    def __init__(self, store: Store, clock: Clock, plan: PlanReplay) -> None:
        self._store, self._clock, self._plan = store, clock, plan

    def __call__(self, tenant_id: str | None, matching: EventFilter, limit: int, digest: str) -> Replay:
        plan = self._plan(tenant_id, matching, limit)
        if plan.digest != digest:
            raise ReplayPlanOutdated
        with self._store.writing() as work:
            # Once more, as nothing can move now that is not seen.
            if not still_holds(work, plan, matching):
                raise ReplayPlanOutdated
            replay = work.replays.add(self._begun(plan))
            work.commit()
        _log.info("replay started", extra={"replay_id": replay.id, "events": replay.total})
        return replay

    def _begun(self, plan: ReplayPlan) -> Replay:
        now = self._clock.now()
        begun = Replay(
            id=0,
            tenant_id=plan.tenant_id,
            origin=current_origin(),
            filter=plan.filter,
            limit=plan.limit,
            digest=plan.digest,
            event_ids=tuple(each.event.id for each in plan.events),
            planned=plan.counts,
            created_at=now,
            updated_at=now,
        )
        return begun if begun.total else replace(begun, status=ReplayStatus.COMPLETED, ended_at=now)


class RunReplays:
    """Queue the next events of a running replay. Returns how many were taken care of; zero: there is none.

    They are queued, recorded and counted in one commit, so that a worker that dies counts none twice, and another goes on.
    """

    def __init__(self, store: Store, clock: Clock, nudges: Nudges) -> None:
        self._store, self._clock, self._nudges = store, clock, nudges

    def __call__(self) -> int:
        with self._store.writing() as work:
            replay = work.replays.lock_next()
            if replay is None:
                return 0
            now = self._clock.now()
            counts = {"queued": 0, "being_processed": 0, "purged": 0}
            work.origin = replay.origin.because(replay_id=replay.id)
            for event_id in replay.next_ids(BATCH_SIZE):
                try:
                    requeue(work, work.inbox.get(None, event_id, lock=True), now)
                    counts["queued"] += 1
                except EventBeingProcessed:
                    counts["being_processed"] += 1
                except PayloadPurged:
                    counts["purged"] += 1
            advanced = work.replays.save(replay.advance(now, **counts))
            work.commit()
        self._nudges.inbox()
        if not advanced.is_running:
            _log.info("replay completed", extra={"replay_id": replay.id, "queued": advanced.queued})
        return sum(counts.values())


class CancelReplay:
    """Queue no further event of it; those that were queued are applied. Raises ReplayNotFound, ReplayEnded."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self, tenant_id: str | None, replay_id: int) -> Replay:
        with self._store.writing() as work:
            replay = work.replays.get(tenant_id, replay_id, lock=True)
            canceled = work.replays.save(replay.cancel(work.origin.actor, self._clock.now()))
            work.commit()
        _log.info("replay canceled", extra={"replay_id": replay_id, "queued": canceled.queued})
        return canceled


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayView:
    """`events` are how many of its events so far have which status now."""

    replay: Replay
    events: Mapping[str, int]


class ShowReplay:
    """With what became of its events. A tenant of None means any: for operators only. Raises ReplayNotFound."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str | None, replay_id: int) -> ReplayView:
        with self._store.reading() as work:
            replay = work.replays.get(tenant_id, replay_id)
            found = work.inbox.count_by_status(replay.ids_so_far)
        return ReplayView(
            replay=replay, events={status.value: found.get(status, 0) for status in EventStatus}
        )


class ListReplays:
    """Newest first. A tenant of None means all, and those over all tenants: for operators only."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str | None, request: PageRequest) -> Page[Replay]:
        with self._store.reading() as work:
            return work.replays.page(tenant_id, request)

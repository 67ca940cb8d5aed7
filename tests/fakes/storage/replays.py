"""Replays, on the tables of one transaction."""

from stripe_bridge.domain.errors.base import ReplayNotFound
from stripe_bridge.domain.errors.conflicts import ReplayPlanOutdated
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.replay import Replay
from tests.fakes.storage.tables import Tables, add, page_of, save


class FakeReplays:
    def __init__(self, tables: Tables) -> None:
        self._replays = tables.replays

    def add(self, replay: Replay) -> Replay:
        if replay.is_running and self._replays.matching(
            lambda each: each.is_running and each.digest == replay.digest
        ):
            raise ReplayPlanOutdated
        return add(self._replays, replay)

    def get(self, tenant_id: str | None, replay_id: int, *, lock: bool = False) -> Replay:
        found = self._replays.find(replay_id, lock=lock)
        if found is None or tenant_id not in (None, found.tenant_id):
            raise ReplayNotFound
        return found

    def page(self, tenant_id: str | None, request: PageRequest) -> Page[Replay]:
        return page_of(self._replays.matching(lambda each: tenant_id in (None, each.tenant_id)), request)

    def lock_next(self) -> Replay | None:
        running = self._replays.matching(lambda each: each.is_running)
        return running[0] if running else None

    def save(self, replay: Replay) -> Replay:
        return save(self._replays, replay)

"""Replays of webhook events, stored. Everything here happens inside a unit of work."""

from __future__ import annotations

from typing import Protocol

from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.replay import Replay


class Replays(Protocol):
    """A tenant of None means any tenant, and those over all tenants: for operators only."""

    def add(self, replay: Replay) -> Replay:
        """Returns it with its id. Raises ReplayPlanOutdated if one with the same digest is running."""
        ...

    def get(self, tenant_id: str | None, replay_id: int, *, lock: bool = False) -> Replay:
        """Raises ReplayNotFound."""
        ...

    def page(self, tenant_id: str | None, request: PageRequest) -> Page[Replay]:
        """Newest first."""
        ...

    def lock_next(self) -> Replay | None:
        """The oldest running one, locked. Others that somebody else has locked are passed over."""
        ...

    def save(self, replay: Replay) -> Replay: ...

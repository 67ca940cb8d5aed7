"""Readers of the change log are witnesses: they hold what this database should hold, too.

If a reader's word contradicts the log, the database was restored from a backup, or somebody has altered it. Orders that look
unbilled here may then have been billed, so that the tenant's sends are held, if the reader may be believed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from stripe_bridge.domain.changes.history import is_earlier, is_first
from stripe_bridge.domain.errors.feed import CursorAhead, FeedExpired, FeedRefused, HistoryChanged
from stripe_bridge.domain.paging import MAX_PER_PAGE, PageRequest
from stripe_bridge.domain.recovery import EVERYONE, HighestIds, RecoveryHold
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.changes.feed import FeedPage
from stripe_bridge.use_cases.records.adopt import hold_sends

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a reader holds: the hash of the entry that it read last, and the name of the log; None if it does not say."""

    hash: str | None = None
    log: str | None = None

    @property
    def is_anything(self) -> bool:
        return self.hash is not None or self.log is not None


NOTHING_HELD = Held()


def find_refusal(page: FeedPage, held: Held) -> FeedRefused | None:
    """Why the reader cannot go on with this page."""
    has_other_log = held.log is not None and held.log != page.log
    if page.after > page.latest and not has_other_log:
        return CursorAhead(page.log, page.latest)
    if has_other_log or (held.hash is not None and held.hash != page.after_hash):
        return HistoryChanged(page.log, page.latest)
    if page.after < page.oldest - 1:
        return FeedExpired(page.log, page.latest)
    return None


def is_evidence(held: Held, page: FeedPage) -> bool:
    """Whether a contradiction shows that this database has lost something that the reader holds.

    Not if the reader still holds a history that was ended here after a restore; nor, once there was one, if it does not say
    which history it holds.
    """
    if held.log is not None:
        return not is_earlier(held.log, page.log)
    return held.hash is not None and is_first(page.log)


class HoldOnContradiction:
    """Hold a tenant's sends because of what a reader holds. Returns whether they are held now."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self, tenant_id: str) -> bool:
        with self._store.reading() as work:
            if witness_holds(work, tenant_id):
                return True
        with self._store.writing() as work:
            for account_id in list(_accounts(work, tenant_id)) or [EVERYONE]:
                hold = RecoveryHold(tenant_id=tenant_id, account_id=account_id, held_at=self._clock.now())
                hold_sends(work, hold, HighestIds())
            work.commit()
        return True


def log_contradiction(page: FeedPage, tenant_id: str, refusal: FeedRefused, *, is_held: bool) -> None:
    _log.warning(
        "change log contradicted by a reader",
        extra={
            "tenant": tenant_id,
            "reason": refusal.reason,
            "after": page.after,
            "latest": page.latest,
            "log": page.log,
            "sends_held": is_held,
        },
    )


def witness_holds(work: UnitOfWork, tenant_id: str) -> list[RecoveryHold]:
    """The holds of the tenant that no invoice at Stripe asks for."""
    return [
        hold
        for hold in work.recoveries.holds_of(tenant_id)
        if hold.released_at is None and not hold.is_for_everyone and hold.stripe_invoice_id is None
    ]


def _accounts(work: UnitOfWork, tenant_id: str) -> Iterator[str]:
    """The tenant's connected accounts."""
    number, is_last = 1, False
    while not is_last:
        page = work.integrations.page(tenant_id, PageRequest(per_page=MAX_PER_PAGE, page=number))
        for integration in page.items:
            if integration.connected and integration.stripe_account_id is not None:
                yield integration.stripe_account_id
        number, is_last = number + 1, len(page.items) < MAX_PER_PAGE

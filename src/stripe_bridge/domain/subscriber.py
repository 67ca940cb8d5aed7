"""A subscriber: an address to which a tenant's changes are delivered, in order, one page at a time.

A page that is not acknowledged is sent again, and nothing overtakes it. Its cursor is the last change that was acknowledged,
so that a subscriber which was disabled goes on where it was: nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

MAX_SUBSCRIBERS = 5
MAX_BATCH = 100
MAX_URL_LENGTH = 2048
KEPT_DELIVERIES = 100
# Longer than any delivery takes: whoever holds it is dead once it ends.
LEASE = timedelta(seconds=60)
ROTATION_PERIOD = timedelta(hours=24)
GIVE_UP_AFTER = timedelta(days=5)
MAX_RETRY_AFTER = timedelta(days=1)
_DELAYS = (
    timedelta(seconds=1),
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=2),
)
_LAST_DELAY = timedelta(hours=4)
_SPREAD = 0.2
_CONFLICT, _GONE = 409, 410


class DisabledReason(StrEnum):
    REQUESTED = "requested"
    # It answered 410.
    GONE = "gone"
    # No success for five days.
    FAILING = "failing"
    # It answered 409: it holds another history than ours, so this database was restored or tampered with.
    HISTORY_CHANGED = "history-changed"


class DeliveryType(StrEnum):
    CHANGES = "changes"
    PING = "ping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What became of one request. Without a status there was no answer; `error` says why it is no success."""

    status: int | None
    error: str | None = None
    retry_after: timedelta | None = None

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def disables(self) -> DisabledReason | None:
        if self.status == _CONFLICT:
            return DisabledReason.HISTORY_CHANGED
        return DisabledReason.GONE if self.status == _GONE else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An attempt, as remembered. `after` and `last` are the page's bounds; None for a ping."""

    id: int
    subscriber_id: int
    type: DeliveryType
    message_id: str
    after: int | None
    last: int | None
    attempted_at: datetime
    status: int | None
    ms: int
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """`after` is the last change that was acknowledged, with its hash and its log; up to `examined` it wants none.

    `types` None means all but acts. `failures` counts failed attempts since the last success, the first of which was at
    `failing_since`. `lease` is held by whoever delivers to it. `resumed` counts how often its cursor was set.
    `slot` is its place among the tenant's: there are only so many.
    """

    id: int
    tenant_id: str
    slot: int = 1
    url: str
    types: tuple[str, ...] | None = None
    max_batch: int = MAX_BATCH
    description: str = ""
    enabled: bool = True
    disabled_reason: DisabledReason | None = None
    disabled_at: datetime | None = None
    after: int
    after_hash: str
    log: str | None = None
    examined: int
    resumed: int = 0
    failures: int = 0
    failing_since: datetime | None = None
    next_attempt_at: datetime
    last_success_at: datetime | None = None
    last_error: str | None = None
    sealed_secret: str
    sealed_former_secret: str | None = None
    former_secret_until: datetime | None = None
    lease: str | None = None
    leased_until: datetime | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    def sealed_secrets(self, now: datetime) -> tuple[str, ...]:
        """Those that sign, the newest first."""
        former, until = self.sealed_former_secret, self.former_secret_until
        if former is None or until is None or until <= now:
            return (self.sealed_secret,)
        return self.sealed_secret, former

    def rotate(self, sealed_secret: str, now: datetime) -> Subscriber:
        """For a day, both the new secret and the present one sign."""
        return replace(
            self,
            sealed_secret=sealed_secret,
            sealed_former_secret=self.sealed_secret,
            former_secret_until=now + ROTATION_PERIOD,
            updated_at=now,
        )

    def change(self, now: datetime, **fields: Any) -> Subscriber:
        """With another address it starts afresh: what failed before says nothing about it."""
        if replace(self, **fields) == self:
            return self
        changed = replace(self, **fields, updated_at=now)
        return changed._due(now) if changed.url != self.url else changed

    def enable(self, now: datetime) -> Subscriber:
        """It goes on at its cursor."""
        if self.enabled:
            return self
        return replace(
            self, enabled=True, disabled_reason=None, disabled_at=None, failing_since=None, updated_at=now
        )._due(now)

    def disable(self, reason: DisabledReason, now: datetime) -> Subscriber:
        if not self.enabled:
            return self
        return replace(self, enabled=False, disabled_reason=reason, disabled_at=now, updated_at=now)

    def resume(self, after: int, after_hash: str, log: str | None, now: datetime) -> Subscriber:
        """From now on it gets what follows that change, even what it had already."""
        moved = replace(
            self,
            after=after,
            after_hash=after_hash,
            log=log,
            examined=after,
            resumed=self.resumed + 1,
            updated_at=now,
        )
        return moved.enable(now)._due(now)

    def pass_over(self, examined: int) -> Subscriber:
        """There is nothing for it up to there."""
        return replace(self, examined=max(self.examined, examined))

    def acknowledge(
        self, last: int, last_hash: str, log: str | None, examined: int, now: datetime
    ) -> Subscriber:
        return replace(
            self,
            after=last,
            after_hash=last_hash,
            log=log,
            examined=examined,
            failures=0,
            failing_since=None,
            next_attempt_at=now,
            last_success_at=now,
            last_error=None,
        )

    def fail(self, attempt: Attempt, now: datetime, jitter: float) -> Subscriber:
        """Try again later, or give up. `jitter` in [0, 1] spreads the attempts."""
        since = self.failing_since or now
        failed = replace(
            self,
            failures=self.failures + 1,
            failing_since=since,
            next_attempt_at=now + retry_delay(self.failures + 1, jitter, attempt.retry_after),
            last_error=attempt.error,
        )
        reason = attempt.disables
        if reason is None and now - since >= GIVE_UP_AFTER:
            reason = DisabledReason.FAILING
        return failed if reason is None else failed.disable(reason, now)

    def hold_lease(self, lease: str, now: datetime) -> Subscriber:
        return replace(self, lease=lease, leased_until=now + LEASE)

    def release(self) -> Subscriber:
        return replace(self, lease=None, leased_until=None)

    def is_same_conversation(self, earlier: Subscriber) -> bool:
        """Whether the answer to a request that was made for `earlier` still means something."""
        return (self.url, self.after, self.resumed) == (earlier.url, earlier.after, earlier.resumed)

    def _due(self, now: datetime) -> Subscriber:
        return replace(self, failures=0, failing_since=None, next_attempt_at=now)


def retry_delay(failures: int, jitter: float, retry_after: timedelta | None = None) -> timedelta:
    """How long to wait after so many failed attempts in a row; not less than the receiver asks for, up to a day."""
    delay = _DELAYS[failures - 1] if failures <= len(_DELAYS) else _LAST_DELAY
    spread = delay * (1 - _SPREAD + 2 * _SPREAD * jitter)
    return spread if retry_after is None else max(spread, min(retry_after, MAX_RETRY_AFTER))


def message_id(subscriber: Subscriber, log: str, last: int) -> str:
    """The same for each repetition of a page, another once the cursor was set by hand."""
    return f"msg_{log}_{subscriber.id}_{subscriber.resumed}_{subscriber.after}_{last}"

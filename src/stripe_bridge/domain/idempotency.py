"""Idempotency keys of our own callers: the same request again gets the first answer again.

After https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/, per token, method and path.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

LIFETIME = timedelta(hours=24)
# A request that takes longer is given up for dead; run again, it is safe through its intent.
LEASE = timedelta(seconds=60)
MAX_KEY_LENGTH = 255
_NOT_KEPT = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.CONFLICT,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestScope:
    """What a key is unique in."""

    token_id: str
    method: str
    path: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotentRequest:
    """`answer` is None while the request runs, which it may until `leased_until`."""

    scope: RequestScope
    body_hash: str
    created_at: datetime
    leased_until: datetime
    answer: KeptAnswer | None = None

    def is_forgotten(self, now: datetime) -> bool:
        """Whether it no longer stands in the way of anything."""
        return now - self.created_at >= LIFETIME

    def is_dead(self, now: datetime) -> bool:
        """Whether whoever ran it is gone."""
        return self.answer is None and now >= self.leased_until


def is_kept(status: int) -> bool:
    """What the caller could change by asking again later is not kept, and no failure of ours is."""
    return status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _NOT_KEPT

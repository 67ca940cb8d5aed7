"""Idempotency keys of our own callers: a repeated request gets the first answer again.

After https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/, per token, method and path.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

LIFETIME = timedelta(hours=24)
# A request that takes longer is presumed dead; its intent makes it safe to run again.
LEASE = timedelta(seconds=60)
MAX_KEY_LENGTH = 255
_NOT_STORED = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.CONFLICT,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestScope:
    """Within what a key is unique."""

    token_id: str
    method: str
    path: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResponse:
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
    answer: StoredResponse | None = None

    def is_expired(self, now: datetime) -> bool:
        """Whether it is so old that it no longer counts."""
        return now - self.created_at >= LIFETIME

    def is_abandoned(self, now: datetime) -> bool:
        """Whether the process that ran it must have died."""
        return self.answer is None and now >= self.leased_until


def is_storable(status: int) -> bool:
    """Answers that may be different later are not stored, and neither are failures of ours."""
    return status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _NOT_STORED

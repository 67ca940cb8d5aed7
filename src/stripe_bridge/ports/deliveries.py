"""Delivering messages over HTTP to addresses that tenants name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from stripe_bridge.domain.errors.base import BridgeError


class NotDelivered(BridgeError):
    """There was no answer: `reason` says why, without secrets."""

    message = "The receiver did not answer."

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`id` is the same for each repetition. The bytes that are signed are the bytes that are sent."""

    id: str
    timestamp: datetime
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`body` is the beginning of it, with secrets masked."""

    status: int
    body: str = ""
    retry_after: timedelta | None = None


class Deliveries(Protocol):
    def check(self, url: str) -> None:
        """Resolves the name: never call it inside a transaction. Raises UrlNotAllowed."""
        ...

    def post(self, url: str, message: Message, secrets: Sequence[str]) -> Answer:
        """Signed with each of the secrets, within 15 seconds altogether. The address is checked again; redirects are
        answers like any other. Raises NotDelivered."""
        ...

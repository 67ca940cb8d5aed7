"""Who is signed in to the console, and the links by which one gets in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from stripe_bridge.domain.console_session import ConsoleLink, ConsoleSession


class ConsoleLinks(Protocol):
    def add(self, link: ConsoleLink) -> ConsoleLink: ...

    def find_by_hash(self, token_hash: str, *, lock: bool = False) -> ConsoleLink | None: ...

    def mark_used(self, link_id: int, now: datetime) -> None: ...

    def remove_standing(self) -> None:
        """Those that have no end."""
        ...

    def remove_expired_before(self, moment: datetime) -> int:
        """How many there were."""
        ...


class ConsoleSessions(Protocol):
    def add(self, session: ConsoleSession) -> ConsoleSession: ...

    def find_by_hash(self, token_hash: str) -> ConsoleSession | None: ...

    def not_expired(self, now: datetime) -> Sequence[ConsoleSession]:
        """Newest first, including those that were revoked."""
        ...

    def revoke(self, session_id: int, now: datetime) -> ConsoleSession:
        """Raises ConsoleSessionNotFound. Revoking it again changes nothing."""
        ...

    def remove_expired_before(self, moment: datetime) -> int:
        """How many there were."""
        ...

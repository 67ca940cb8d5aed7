"""Who is signed in to the console, and the links by which one gets in, on the tables of one transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from stripe_bridge.domain.console_session import ConsoleLink, ConsoleSession
from stripe_bridge.domain.errors.base import ConsoleSessionNotFound
from tests.fakes.storage.tables import Tables, add


class FakeConsoleLinks:
    def __init__(self, tables: Tables) -> None:
        self._links = tables.console_links

    def add(self, link: ConsoleLink) -> ConsoleLink:
        return add(self._links, link)

    def find_by_hash(self, token_hash: str, *, lock: bool = False) -> ConsoleLink | None:
        found = self._links.matching(lambda each: each.token_hash == token_hash)
        return self._links.find(found[0].id, lock=lock) if found else None

    def mark_used(self, link_id: int, now: datetime) -> None:
        link = self._links.find(link_id, lock=True)
        if link is not None:
            self._links.put(link_id, replace(link, used_at=now))

    def remove_standing(self) -> None:
        self._remove(self._links.matching(lambda each: each.expires_at is None))

    def remove_expired_before(self, moment: datetime) -> int:
        expired = self._links.matching(lambda each: each.expires_at is not None and each.expires_at < moment)
        return self._remove(expired)

    def _remove(self, links: Sequence[ConsoleLink]) -> int:
        for link in links:
            self._links.remove(link.id)
        return len(links)


class FakeConsoleSessions:
    def __init__(self, tables: Tables) -> None:
        self._sessions = tables.console_sessions

    def add(self, session: ConsoleSession) -> ConsoleSession:
        return add(self._sessions, session)

    def find_by_hash(self, token_hash: str) -> ConsoleSession | None:
        return next(iter(self._sessions.matching(lambda each: each.token_hash == token_hash)), None)

    def not_expired(self, now: datetime) -> Sequence[ConsoleSession]:
        return self._sessions.matching(lambda each: each.expires_at > now)[::-1]

    def revoke(self, session_id: int, now: datetime) -> ConsoleSession:
        session = self._sessions.find(session_id, lock=True)
        if session is None:
            raise ConsoleSessionNotFound
        if session.revoked_at is None:
            session = replace(session, revoked_at=now)
            self._sessions.put(session_id, session)
        return session

    def remove_expired_before(self, moment: datetime) -> int:
        expired = self._sessions.matching(lambda each: each.expires_at < moment)
        for session in expired:
            self._sessions.remove(session.id)
        return len(expired)

"""Who is signed in to the console, and the links by which one gets in, stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import bindparam, delete, update

from stripe_bridge.adapters.database.mapping import AggregateMapper, with_lock
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.console import ConsoleLinkRow, ConsoleSessionRow
from stripe_bridge.domain.console_session import ConsoleLink, ConsoleSession
from stripe_bridge.domain.errors.base import ConsoleSessionNotFound

_LINKS = AggregateMapper(ConsoleLink, ConsoleLinkRow)
_LINK = _LINKS.table.c
_LINK_BY_HASH = with_lock(_LINKS.select.where(_LINK.token_hash == bindparam("token_hash")))

_SESSIONS = AggregateMapper(ConsoleSession, ConsoleSessionRow)
_SESSION = _SESSIONS.table.c
_SESSION_BY_HASH = _SESSIONS.select.where(_SESSION.token_hash == bindparam("token_hash"))
_SESSION_BY_ID = _SESSIONS.select.where(_SESSION.id == bindparam("id"))


class SqlConsoleLinks:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, link: ConsoleLink) -> ConsoleLink:
        return replace(link, id=self._transaction.add(_LINKS, link))

    def find_by_hash(self, token_hash: str, *, lock: bool = False) -> ConsoleLink | None:
        return self._transaction.find(_LINKS, _LINK_BY_HASH[lock], token_hash=token_hash)

    def mark_used(self, link_id: int, now: datetime) -> None:
        self._transaction.execute(update(_LINKS.table).where(_LINK.id == link_id).values(used_at=now))

    def remove_standing(self) -> None:
        self._transaction.execute(delete(_LINKS.table).where(_LINK.expires_at.is_(None)))

    def remove_expired_before(self, moment: datetime) -> int:
        return self._transaction.execute(delete(_LINKS.table).where(_LINK.expires_at < moment)).rowcount


class SqlConsoleSessions:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, session: ConsoleSession) -> ConsoleSession:
        return replace(session, id=self._transaction.add(_SESSIONS, session))

    def find_by_hash(self, token_hash: str) -> ConsoleSession | None:
        return self._transaction.find(_SESSIONS, _SESSION_BY_HASH, token_hash=token_hash)

    def not_expired(self, now: datetime) -> Sequence[ConsoleSession]:
        statement = _SESSIONS.select.where(_SESSION.expires_at > now).order_by(_SESSION.id.desc())
        return self._transaction.list(_SESSIONS, statement)

    def revoke(self, session_id: int, now: datetime) -> ConsoleSession:
        session = self._transaction.find(_SESSIONS, _SESSION_BY_ID, id=session_id)
        if session is None:
            raise ConsoleSessionNotFound
        live = update(_SESSIONS.table).where(_SESSION.id == session_id, _SESSION.revoked_at.is_(None))
        if self._transaction.execute(live.values(revoked_at=now)).rowcount != 1:
            return session
        return replace(session, revoked_at=now)

    def remove_expired_before(self, moment: datetime) -> int:
        statement = delete(_SESSIONS.table).where(_SESSION.expires_at < moment)
        return self._transaction.execute(statement).rowcount

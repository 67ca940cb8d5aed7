"""Sessions of the console: begun by a link or by the identity provider, ended by the person, an operator, or time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from stripe_bridge.domain.console_session import SESSION_LIFETIME, ConsoleSession, Person
from stripe_bridge.domain.errors.base import Unauthenticated
from stripe_bridge.domain.loopback import is_on_loopback
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.system import Clock, Identifiers
from stripe_bridge.use_cases.access.tokens import hash_of

# So that people and secret scanners recognize what they have found.
PREFIX = "sbc_"
# For this long, a session that has ended is told apart from one that never was, by operators who look.
_RETENTION = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunConsoleSession:
    """`secret` is for the browser alone; just its hash is stored."""

    session: ConsoleSession
    secret: str = field(repr=False)


class SignInByLink:
    """Use a link up, and begin a session for whom it was made. Raises Unauthenticated for one that opens nothing now."""

    def __init__(self, store: Store, clock: Clock, identifiers: Identifiers, public_url: str) -> None:
        self._store, self._clock, self._identifiers = store, clock, identifiers
        self._may_stand = is_on_loopback(public_url)

    def __call__(self, secret: str) -> BegunConsoleSession:
        now = self._clock.now()
        with self._store.writing() as work:
            link = work.console_links.find_by_hash(hash_of(secret), lock=True)
            # A standing one may have come with a database from a developer's machine.
            if link is None or not link.is_good(now) or (link.is_standing and not self._may_stand):
                raise Unauthenticated
            work.console_links.mark_used(link.id, now)
            begun = _begin(work, link.person, self._identifiers.secret(), now)
            work.commit()
        return begun


class BeginConsoleSession:
    """For a person whom an identity provider vouches for."""

    def __init__(self, store: Store, clock: Clock, identifiers: Identifiers) -> None:
        self._store, self._clock, self._identifiers = store, clock, identifiers

    def __call__(self, person: Person) -> BegunConsoleSession:
        with self._store.writing() as work:
            begun = _begin(work, person, self._identifiers.secret(), self._clock.now())
            work.commit()
        return begun


def _begin(work: UnitOfWork, person: Person, random: str, now: datetime) -> BegunConsoleSession:
    secret = PREFIX + random
    session = ConsoleSession(
        id=0,
        token_hash=hash_of(secret),
        name=person.name,
        tenant_id=person.tenant_id,
        role=person.role,
        user_id=person.user_id,
        is_vouched_for=person.is_vouched_for,
        created_at=now,
        expires_at=now + SESSION_LIFETIME,
    )
    return BegunConsoleSession(session=work.console_sessions.add(session), secret=secret)


class AuthenticateConsole:
    """Whose session it is. Raises Unauthenticated."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self, secret: str) -> ConsoleSession:
        with self._store.autocommit() as work:
            session = work.console_sessions.find_by_hash(hash_of(secret))
        if session is None or not session.is_good(self._clock.now()):
            raise Unauthenticated
        return session


class ListConsoleSessions:
    """Those that have not expired, newest first, including revoked ones."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self) -> Sequence[ConsoleSession]:
        with self._store.reading() as work:
            return work.console_sessions.not_expired(self._clock.now())


class RevokeConsoleSession:
    """Takes effect with the next request. Raises ConsoleSessionNotFound."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self, session_id: int) -> ConsoleSession:
        with self._store.writing() as work:
            session = work.console_sessions.revoke(session_id, self._clock.now())
            work.commit()
        return session


class PurgeConsole:
    """Remove sessions and links that ended a day ago; how many there were."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self) -> int:
        ended = self._clock.now() - _RETENTION
        with self._store.writing() as work:
            removed = work.console_sessions.remove_expired_before(ended)
            removed += work.console_links.remove_expired_before(ended)
            work.commit()
        return removed

"""Panel sessions: made by the ERP's server, and used by its pages in browsers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from stripe_bridge.domain.access import Principal
from stripe_bridge.domain.errors.base import Forbidden, Unauthenticated
from stripe_bridge.domain.errors.values import OriginInvalid, UserNotTokens
from stripe_bridge.domain.panel_session import LIFETIME, PanelAction, PanelSession, actions_of, is_origin
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock, Identifiers
from stripe_bridge.use_cases.access.tokens import hash_of

# So that people and secret scanners recognize what they have found.
PREFIX = "sbp_"
# For this long, a session that has ended is told apart from one that never was, by operators who look.
_RETENTION = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePanelSessionCommand:
    """`can` None means all that the creator may do. `user_id` is the ERP user in front of the page."""

    creator: Principal
    sales_order_id: int
    origin: str
    can: frozenset[PanelAction] | None = None
    user_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedPanelSession:
    """`secret` is shown only this once; just its hash is stored."""

    session: PanelSession
    secret: str = field(repr=False)


class CreatePanelSession:
    """Create a session for one order and one origin. It may always read, and ends with its creator's credential at the latest.

    Raises OriginInvalid; Forbidden, if it could do more than its creator; UserNotTokens, if that acts for somebody else.
    """

    def __init__(self, store: Store, clock: Clock, identifiers: Identifiers) -> None:
        self._store, self._clock, self._identifiers = store, clock, identifiers

    def __call__(self, command: CreatePanelSessionCommand) -> IssuedPanelSession:
        creator, now = command.creator, self._clock.now()
        secret = PREFIX + self._identifiers.secret()
        session = PanelSession(
            id=0,
            token_hash=hash_of(secret),
            tenant_id=creator.tenant_id,
            sales_order_id=command.sales_order_id,
            can=_allowed(command),
            origin=_checked_origin(command.origin),
            user_id=_user_of(command),
            role=creator.role,
            creator=creator.token_id,
            subject=creator.subject,
            api_token_id=creator.api_token_id,
            created_at=now,
            expires_at=min(now + LIFETIME, creator.expires_at or datetime.max.replace(tzinfo=now.tzinfo)),
        )
        with self._store.writing() as work:
            session = work.panel_sessions.add(session)
            work.commit()
        return IssuedPanelSession(session=session, secret=secret)


class AuthenticatePanelSession:
    """On whose behalf a session acts. It ends with the token that created it, and can do no more than that still may.

    Raises Unauthenticated.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self, secret: str) -> Principal:
        with self._store.autocommit() as work:
            session = work.panel_sessions.find_by_hash(hash_of(secret))
            if session is None or not session.is_good(self._clock.now()):
                raise Unauthenticated
            if session.api_token_id is None:
                return session.principal
            token = work.tokens.find(session.api_token_id)
        if token is None or not token.is_good:
            raise Unauthenticated
        return replace(session.principal, role=token.role)


class PurgePanelSessions:
    """Remove sessions that ended a day ago; how many there were."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self) -> int:
        with self._store.writing() as work:
            removed = work.panel_sessions.remove_expired_before(self._clock.now() - _RETENTION)
            work.commit()
        return removed


def _allowed(command: CreatePanelSessionCommand) -> frozenset[PanelAction]:
    allowed = actions_of(command.creator.permissions)
    wanted = allowed if command.can is None else command.can | {PanelAction.READ}
    if not wanted <= allowed:
        raise Forbidden
    return wanted


def _checked_origin(origin: str) -> str:
    if not is_origin(origin):
        raise OriginInvalid
    return origin


def _user_of(command: CreatePanelSessionCommand) -> int | None:
    bound = command.creator.user_id
    if bound is not None and command.user_id not in (None, bound):
        raise UserNotTokens
    return command.user_id if bound is None else bound

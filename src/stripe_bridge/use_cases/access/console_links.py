"""Links by which people get into the console without an identity provider: made by operators, at the command line."""

from __future__ import annotations

from dataclasses import dataclass, field

from stripe_bridge.domain.access import Role
from stripe_bridge.domain.console_session import LINK_LIFETIME, ConsoleLink
from stripe_bridge.domain.errors.rules import StandingLinkNotAllowed
from stripe_bridge.domain.loopback import is_on_loopback
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock, Identifiers
from stripe_bridge.use_cases.access.tokens import hash_of

# So that people and secret scanners recognize what they have found.
PREFIX = "sbl_"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateConsoleLinkCommand:
    """For a tenant's person with a role, or without either for an operator. `standing`: it has no end."""

    name: str
    tenant_id: str | None = None
    role: Role | None = None
    standing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedConsoleLink:
    """`url` is shown only this once; just the hash of its token is stored."""

    link: ConsoleLink
    url: str = field(repr=False)


class CreateConsoleLink:
    """A link that signs one person in, within five minutes. Its token stands in the fragment, which no server gets to see.

    A standing one replaces those before it. Raises StandingLinkNotAllowed unless the service is on this machine.
    """

    def __init__(self, store: Store, clock: Clock, identifiers: Identifiers, public_url: str) -> None:
        self._store, self._clock, self._identifiers = store, clock, identifiers
        self._public_url = public_url

    def __call__(self, command: CreateConsoleLinkCommand) -> IssuedConsoleLink:
        if command.standing and not is_on_loopback(self._public_url):
            raise StandingLinkNotAllowed
        secret, now = PREFIX + self._identifiers.secret(), self._clock.now()
        link = ConsoleLink(
            id=0,
            token_hash=hash_of(secret),
            name=command.name,
            tenant_id=command.tenant_id,
            role=command.role,
            created_at=now,
            expires_at=None if command.standing else now + LINK_LIFETIME,
        )
        with self._store.writing() as work:
            if command.standing:
                work.console_links.remove_standing()
            link = work.console_links.add(link)
            work.commit()
        return IssuedConsoleLink(link=link, url=f"{self._public_url}/console/sign-in#{secret}")

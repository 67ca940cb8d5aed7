"""The identity provider by which people sign in to the console: OpenID Connect's code flow, without the browser's part."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from stripe_bridge.domain.console_session import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingSignIn:
    """What the browser keeps until it comes back from `url`. Each of the three is new and cannot be guessed."""

    url: str
    state: str
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)


class SignInProvider(Protocol):
    @property
    def issuer(self) -> str: ...

    def begin(self) -> PendingSignIn:
        """Where to send a person. Raises IdentityProviderUnavailable."""
        ...

    def complete(self, code: str, pending: PendingSignIn) -> Person:
        """Whom the provider vouches for. The caller has compared the state.

        Raises Unauthenticated, also for somebody who has neither a tenant and a role nor the operators' claim;
        IdentityProviderUnavailable.
        """
        ...

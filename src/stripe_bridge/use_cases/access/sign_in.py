"""Signing in to the console through the identity provider."""

from __future__ import annotations

import hmac

from stripe_bridge.domain.errors.base import Unauthenticated
from stripe_bridge.ports.sign_in_provider import PendingSignIn, SignInProvider
from stripe_bridge.use_cases.access.console_sessions import BeginConsoleSession, BegunConsoleSession


class BeginSignIn:
    """Raises Unauthenticated if there is no provider, IdentityProviderUnavailable."""

    def __init__(self, provider: SignInProvider | None) -> None:
        self._provider = provider

    @property
    def issuer(self) -> str | None:
        """Whose provider it is; None if there is none."""
        return None if self._provider is None else self._provider.issuer

    def __call__(self) -> PendingSignIn:
        if self._provider is None:
            raise Unauthenticated
        return self._provider.begin()


class CompleteSignIn:
    """Begin a session for whoever came back, if he is the one who was sent there.

    `issuer` is who the answer says it is from, if it says so (RFC 9207). Raises Unauthenticated, IdentityProviderUnavailable.
    """

    def __init__(self, provider: SignInProvider | None, begin_session: BeginConsoleSession) -> None:
        self._provider, self._begin_session = provider, begin_session

    def __call__(
        self, *, pending: PendingSignIn, code: str, state: str, issuer: str | None = None
    ) -> BegunConsoleSession:
        is_answer = hmac.compare_digest(state.encode(), pending.state.encode())
        if self._provider is None or not is_answer or not code:
            raise Unauthenticated
        if issuer is not None and issuer != self._provider.issuer:
            raise Unauthenticated
        return self._begin_session(self._provider.complete(code, pending))

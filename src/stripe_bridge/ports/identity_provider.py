"""The ERP's own identity provider, in addition to the tokens that we make."""

from __future__ import annotations

from typing import Protocol

from stripe_bridge.domain.access import Principal
from stripe_bridge.domain.errors.base import BridgeError


class IdentityProviderUnavailable(BridgeError):
    """Its keys cannot be fetched, so nothing can be said about the token."""

    message = "The identity provider does not answer; try again."


class IdentityProvider(Protocol):
    def principal(self, token: str) -> Principal:
        """On whose behalf the token acts. Raises Unauthenticated, IdentityProviderUnavailable."""
        ...

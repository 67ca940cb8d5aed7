"""Stripe Connect: connecting a merchant's account, reading it, and letting it go."""

from __future__ import annotations

from typing import Protocol

from stripe_bridge.domain.stripe_objects import AccountSnapshot, Authorization


class ConnectGateway(Protocol):
    """Every call may raise GatewayError."""

    def authorize_url(self, *, state: str, redirect_uri: str) -> str:
        """Where the merchant goes to consent (read_write). No network."""
        ...

    def redeem(self, code: str) -> Authorization:
        """Exchange the code. Tried only once, since redeeming a code twice revokes everything.

        Raises GatewayRefused for a code that is unknown, used, expired or of the other mode.
        Source: https://docs.stripe.com/connect/oauth-reference
        """
        ...

    def deauthorize(self, account_id: str) -> None:
        """End our access to the account. If it is not connected (any more), that is a success."""
        ...

    def account(self, account_id: str) -> AccountSnapshot:
        """As it is now. Raises AccessRevoked if the account has revoked our access, and GatewayMisconfigured if it has not but
        our key belongs to another platform."""
        ...

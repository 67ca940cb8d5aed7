"""Stripe Connect: letting a merchant's account in, looking at it, letting it go."""

from __future__ import annotations

from typing import Protocol

from stripe_bridge.domain.stripe_objects import AccountSnapshot, Authorization


class ConnectGateway(Protocol):
    """Every call may raise GatewayError."""

    def authorize_url(self, *, state: str, redirect_uri: str) -> str:
        """Where the merchant goes to consent (read_write). No network."""
        ...

    def redeem(self, code: str) -> Authorization:
        """Exchange the code: tried once and never again, since redeeming twice revokes everything.

        Raises GatewayRefused for a code that is unknown, used, expired or of the other mode.
        Source: https://docs.stripe.com/connect/oauth-reference
        """
        ...

    def deauthorize(self, account_id: str) -> None:
        """Let the account go. One that is not connected (any more) is success."""
        ...

    def account(self, account_id: str) -> AccountSnapshot:
        """As it is now. Raises AccessRevoked when it does not let us in; GatewayMisconfigured when it does, and our key is not
        that of whom it lets in."""
        ...

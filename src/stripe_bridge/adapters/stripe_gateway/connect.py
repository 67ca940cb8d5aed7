"""Stripe Connect by OAuth, for Standard accounts."""

from __future__ import annotations

import re

import stripe
from stripe import oauth_error

from stripe_bridge.adapters.stripe_gateway import snapshots
from stripe_bridge.adapters.stripe_gateway.client import StripeCalls, StripeConfig, TokenFor
from stripe_bridge.adapters.stripe_gateway.errors import TOKEN_REVOKED, Row
from stripe_bridge.domain.stripe_objects import AccountSnapshot, Authorization
from stripe_bridge.ports.stripe.errors import AccessRevoked, GatewayMisconfigured
from stripe_bridge.ports.vault import SealBroken

# To the platform, an account that has revoked access does not exist.
_ACCOUNT_GONE = Row(stripe.InvalidRequestError, "resource_missing", AccessRevoked)

_WRONG_PLATFORM = (
    "STRIPE_SECRET_KEY is of a platform account, or a mode, that the account has not granted access"
)


class StripeConnectGateway:
    """Acts as the platform. An account's own token is only used to check whether our key is the right one."""

    def __init__(self, config: StripeConfig, token_for: TokenFor | None = None) -> None:
        self._stripe, self._token_for = StripeCalls(config), token_for

    def authorize_url(self, *, state: str, redirect_uri: str) -> str:
        return self._stripe.oauth.authorize_url(
            {"scope": "read_write", "state": state, "redirect_uri": redirect_uri}
        )

    def redeem(self, code: str) -> Authorization:
        with self._stripe.change(None) as options:
            return snapshots.authorization(
                self._stripe.oauth.token({"grant_type": "authorization_code", "code": code}, options)
            )

    def deauthorize(self, account_id: str) -> None:
        with self._stripe.change(None) as options:
            try:
                self._stripe.oauth.deauthorize({"stripe_user_id": account_id}, options)
            except oauth_error.InvalidClientError as error:
                if not _is_not_connected(error, account_id):
                    raise

    def account(self, account_id: str) -> AccountSnapshot:
        try:
            with self._stripe.lookup(None, _ACCOUNT_GONE) as options:
                return snapshots.account(self._stripe.v1.accounts.retrieve(account_id, {}, options))
        except AccessRevoked:
            if self._token_still_valid(account_id):
                raise GatewayMisconfigured(_WRONG_PLATFORM) from None
            raise

    def _token_still_valid(self, account_id: str) -> bool:
        """Whether the account's token is valid: it ends with the access of the platform that it was given to.

        To the key of another platform account, or of the other mode, every account looks as if it had revoked access.
        """
        try:
            token = self._token_for(account_id) if self._token_for else None
        except SealBroken:
            token = None
        if token is None:
            return False
        try:
            with self._stripe.lookup(None, TOKEN_REVOKED) as options:
                options["api_key"] = token
                self._stripe.v1.accounts.retrieve(account_id, {}, options)
        except AccessRevoked:
            return False
        return True


def _is_not_connected(error: oauth_error.InvalidClientError, account_id: str) -> bool:
    """Stripe answers `invalid_client` for an account that is not connected and for a wrong client id or key.

    Only the former names the account: "This application is not connected to stripe account acct_1, or that
    account does not exist."
    """
    return bool(re.search(rf"\b{re.escape(account_id)}\b", error.user_message or ""))

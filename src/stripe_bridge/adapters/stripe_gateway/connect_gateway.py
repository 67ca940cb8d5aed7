"""Stripe Connect by OAuth, for Standard accounts."""

from __future__ import annotations

import re

import stripe
from stripe import oauth_error

from stripe_bridge.adapters.stripe_gateway import snapshots
from stripe_bridge.adapters.stripe_gateway.client import StripeAccess, StripeCalls
from stripe_bridge.adapters.stripe_gateway.errors import Row
from stripe_bridge.domain.stripe_objects import AccountSnapshot, Authorization
from stripe_bridge.ports.gateway_errors import AccessRevoked

# Seen from the platform, an account that is not there has left.
_ACCOUNT_GONE = Row(stripe.InvalidRequestError, "resource_missing", AccessRevoked)


class StripeConnectGateway:
    """Acts as the platform throughout: an account's own token says nothing about who let it in."""

    def __init__(self, access: StripeAccess) -> None:
        self._stripe = StripeCalls(access)

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
                if not _says_not_connected(error, account_id):
                    raise

    def account(self, account_id: str) -> AccountSnapshot:
        with self._stripe.lookup(None, _ACCOUNT_GONE) as options:
            return snapshots.account(self._stripe.v1.accounts.retrieve(account_id, {}, options))


def _says_not_connected(error: oauth_error.InvalidClientError, account_id: str) -> bool:
    """Stripe answers `invalid_client` for an account that is not connected and for a wrong client id or key.

    Only the former names the account: "This application is not connected to stripe account acct_1, or that
    account does not exist."
    """
    return bool(re.search(rf"\b{re.escape(account_id)}\b", error.user_message or ""))

"""What the key may read, and whether Stripe takes our redirect URI."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

import requests
import stripe

from stripe_bridge.adapters.stripe_gateway.client import StripeCalls, StripeConfig, TokenFor
from stripe_bridge.ports.stripe.errors import GatewayRefused, OutcomeUnknown
from stripe_bridge.ports.stripe.probe import KeyProbe

# In the accounts, and on the platform alone.
_READ_IN_ACCOUNTS = ("customers", "invoices", "invoice_payments", "refunds", "disputes", "events")
_READ_ON_THE_PLATFORM = ("webhook_endpoints",)
_ONE: Mapping[str, object] = {"limit": 1}


class StripeProbeGateway:
    def __init__(self, config: StripeConfig, token_for: TokenFor | None = None) -> None:
        self._stripe, self._timeout = StripeCalls(config, token_for), config.read_timeout

    def key(self, account_id: str | None) -> KeyProbe:
        refused = {
            **self._refused(account_id, _READ_IN_ACCOUNTS),
            **self._refused(None, _READ_ON_THE_PLATFORM),
        }
        try:
            with self._stripe.lookup(None) as options:
                own = self._stripe.v1.accounts.retrieve_current({}, options)
        except GatewayRefused as error:
            return KeyProbe(
                account_id=None, may_charge=True, refused={**refused, "account": error.reason}, time=None
            )
        return KeyProbe(
            account_id=own.id, may_charge=bool(own.charges_enabled), refused=refused, time=_time_of(own)
        )

    def refusal_of_consent(self, redirect_uri: str) -> str | None:
        """Stripe shows the page to whoever has the link, and refuses before it asks who that is."""
        url = self._stripe.oauth.authorize_url(
            {"scope": "read_write", "state": "before-going-live", "redirect_uri": redirect_uri}
        )
        try:
            answer = requests.get(url, timeout=self._timeout, allow_redirects=False)
        except requests.RequestException as error:
            raise OutcomeUnknown(f"{type(error).__name__} at {url.partition('?')[0]}") from None
        if answer.status_code < requests.codes.bad_request:
            return None
        return f"Stripe answers {answer.status_code}{_words_of(answer)}"

    def _refused(self, account_id: str | None, kinds: tuple[str, ...]) -> dict[str, str]:
        refused = {}
        for kind in kinds:
            try:
                with self._stripe.lookup(account_id) as options:
                    getattr(self._stripe.v1, kind).list(_ONE, options)
            except GatewayRefused as error:
                refused[kind] = error.reason
        return refused


def _time_of(answered: stripe.StripeObject) -> datetime | None:
    response = answered.last_response
    shown = None if response is None else response.headers.get("Date")
    return None if shown is None else parsedate_to_datetime(shown)


def _words_of(answer: requests.Response) -> str:
    """In a JSON body; a page is too long for a line."""
    try:
        return f": {answer.json()['error']['message']}"
    except (ValueError, KeyError, TypeError):
        return ""

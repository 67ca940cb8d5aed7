from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

from stripe_bridge.domain.stripe_objects import AccountSnapshot, Authorization
from stripe_bridge.ports.stripe.errors import GatewayRefused
from tests.fakes.stripe.fake_stripe import Call, FakeStripe

Result = TypeVar("Result")


class FakeConnectGateway:
    def __init__(self, stripe: FakeStripe) -> None:
        self.stripe = stripe

    def authorize_url(self, *, state: str, redirect_uri: str) -> str:
        query = {
            "client_id": "ca_fake",
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": "read_write",
            "state": state,
        }
        return f"https://connect.stripe.test/oauth/authorize?{urlencode(query)}"

    def redeem(self, code: str) -> Authorization:
        """As at Stripe, a code that is used a second time revokes what it gave."""

        def effect() -> Authorization:
            account_id = self.stripe.codes.get(code)
            if account_id is None:
                raise GatewayRefused("Authorization code does not exist.", code="invalid_grant")
            if code in self.stripe.used_codes:
                self.stripe.revoke(account_id)
                raise GatewayRefused("This authorization code has already been used.", code="invalid_grant")
            self.stripe.used_codes.add(code)
            return Authorization(
                account_id=self.stripe.connect_account(account_id),
                access_token=self.stripe.new_id("sk_test"),
                scope="read_write",
                livemode=self.stripe.livemode,
            )

        return self._serve("redeem", None, effect, code=code)

    def deauthorize(self, account_id: str) -> None:
        def effect() -> None:
            if account_id in self.stripe.accounts:
                self.stripe.revoke(account_id)

        self._serve("deauthorize", account_id, effect)

    def account(self, account_id: str) -> AccountSnapshot:
        return self._serve("account", account_id, lambda: self.stripe.account(account_id).snapshot)

    def _serve(
        self, method: str, account_id: str | None, effect: Callable[[], Result], **arguments: Any
    ) -> Result:
        call = Call(method=method, account_id=account_id, key=None, arguments=arguments)
        return self.stripe.serve(call, effect)

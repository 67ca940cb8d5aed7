from collections.abc import Mapping
from datetime import timedelta

from stripe_bridge.ports.stripe.probe import KeyProbe
from tests.fakes.stripe.fake_stripe import Call, FakeStripe


class FakeStripeProbe:
    """`unreadable` is what the key may not read, `ahead` how far Stripe's clock is. Only `registered` URIs are taken."""

    def __init__(self, stripe: FakeStripe) -> None:
        self.stripe = stripe
        self.unreadable: dict[str, str] = {}
        self.may_charge = True
        self.ahead = timedelta()
        self.registered: frozenset[str] | None = None

    def key(self, account_id: str | None) -> KeyProbe:
        def effect() -> KeyProbe:
            refused: Mapping[str, str] = dict(self.unreadable)
            time = self.stripe.now() + self.ahead
            return KeyProbe(
                account_id="acct_platform", may_charge=self.may_charge, refused=refused, time=time
            )

        call = Call(method="key", account_id=account_id, key=None, arguments={})
        return self.stripe.serve(call, effect)

    def refusal_of_consent(self, redirect_uri: str) -> str | None:
        is_taken = self.registered is None or redirect_uri in self.registered
        return None if is_taken else "Stripe answers 400"

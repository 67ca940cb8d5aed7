"""What can go wrong between us and Stripe: every exception of the SDK becomes one of these.

GatewayError
├── GatewayRefused              Stripe said no: there is no effect, and trying again is of no use
│   ├── ObjectMissing           the object (or one named in the call) does not exist in that account
│   └── AccessRevoked           the account no longer lets this platform in
├── CallNotAccepted                no effect; try again later
│   ├── GatewayBusy             rate limits and locks
│   └── GatewayMisconfigured    our own key or client id is wrong: an operator has to fix it
└── OutcomeUnknown              no answer, or one that proves nothing: there may be an effect
    └── KeySpent                Stripe holds an answer under the key that shows no outcome, and will always repeat it
"""

from __future__ import annotations

from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.refusal import Refusal


class GatewayError(BridgeError):
    """`reason` is for operators and logs: Stripe's words, and which of its requests it was."""

    message = "Stripe API error."

    def __init__(self, reason: str, *, code: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.code = reason, code


class GatewayRefused(GatewayError):
    """`param` is the field of the request that Stripe objects to, if it names one. `refusal` is for the caller as well."""

    def __init__(
        self,
        reason: str,
        *,
        code: str | None = None,
        param: str | None = None,
        refusal: Refusal | None = None,
    ) -> None:
        super().__init__(reason, code=code)
        self.param = param
        self.refusal = refusal or Refusal(message=reason, code=code)
        self.message = f"Stripe refused: {self.refusal.message}"


class ObjectMissing(GatewayRefused):
    pass


class AccessRevoked(GatewayRefused):
    pass


class CallNotAccepted(GatewayError):
    pass


class GatewayBusy(CallNotAccepted):
    pass


class GatewayMisconfigured(CallNotAccepted):
    pass


class OutcomeUnknown(GatewayError):
    pass


class KeySpent(OutcomeUnknown):
    """An earlier call under the key failed inside Stripe, or had another body. No further call under it has an effect."""

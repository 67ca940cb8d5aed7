"""What became of a webhook, or of a call to Stripe."""

from __future__ import annotations

from stripe_bridge.domain.errors.base import BridgeError


class WebhookRejected(BridgeError):
    """Not stored, because nothing shows that Stripe sent it."""


class SignatureInvalid(WebhookRejected):
    """Unsigned, badly signed or too old: deliberately one answer."""

    message = "The Stripe signature is missing, wrong or too old."


class PayloadMalformed(WebhookRejected):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.message = f"The payload is not a Stripe event: {reason}."


class PayloadTooLarge(WebhookRejected):
    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit
        self.message = f"The body is larger than {limit} bytes."


class Recovering(BridgeError):
    """The database was restored from a backup, and what was made at Stripe since then is not known here yet."""

    message = (
        "Nothing is sent or refunded at the moment: the service was restored from a backup and is being reconciled with "
        "Stripe. Try again later."
    )


class InvoiceNotSent(BridgeError):
    """`final`: undone at Stripe, the order is free. Otherwise the service finishes it by itself."""

    message = "Stripe API error: invoice could not be sent."

    def __init__(self, *, final: bool, reason: str) -> None:
        super().__init__(reason)
        self.final, self.reason = final, reason


class InvoiceNotVoided(BridgeError):
    """`final`: Stripe refused. Otherwise the service finds out by itself what became of it."""

    message = "Stripe API error: invoice could not be voided."

    def __init__(self, *, final: bool) -> None:
        super().__init__(final)
        self.final = final


class RefundNotIssued(BridgeError):
    """Stripe refused; nothing was refunded, and the reservation is given back."""

    message = "Stripe API error: refund could not be issued."

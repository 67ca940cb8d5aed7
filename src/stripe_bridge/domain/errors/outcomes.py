"""What became of a webhook, or of a call to Stripe."""

from __future__ import annotations

from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.refusal import Refusal


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


class InvoiceRefused(InvoiceNotSent):
    """Stripe refused it for good: undone there, and the order is free."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(final=True, reason=refusal.message)
        self.refusal = refusal
        self.message = f"Stripe refused the invoice: {refusal.message}"


class CustomerHasBalance(InvoiceNotSent):
    """The customer's balance at Stripe changes what is due: undone there, and the order is free.

    Amounts in minor units; a negative `balance` is a credit.
    """

    def __init__(self, *, balance: int, amount: int, amount_due: int, currency: str) -> None:
        super().__init__(final=True, reason="the customer has a balance at Stripe")
        self.balance, self.amount, self.amount_due, self.currency = balance, amount, amount_due, currency
        has = f"a credit balance of {-balance}" if balance < 0 else f"a balance of {balance} to pay"
        self.message = (
            f"The customer has {has} at Stripe, so {amount_due} would be due instead of {amount} "
            f"(minor units of {currency}). Set the balance to 0 in Stripe, then send again."
        )


class InvoiceNotVoided(BridgeError):
    """`final`: it stays as it is. Otherwise the service finds out by itself what became of it."""

    message = "Stripe API error: invoice could not be voided."

    def __init__(self, *, final: bool) -> None:
        super().__init__(final)
        self.final = final


class VoidRefused(InvoiceNotVoided):
    """Stripe refused in the invoice's present state, for example while a bank payment for it is under way."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(final=True)
        self.refusal = refusal
        self.message = f"Stripe refused to void the invoice: {refusal.message}"


class RefundNotIssued(BridgeError):
    """Stripe refused; nothing was refunded, and the reservation is given back."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal
        self.message = f"Stripe refused the refund: {refusal.message}"


class EmailRefused(BridgeError):
    """Stripe refused to email the invoice again, which is as it was."""

    message = "Stripe refused to email the invoice."

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal
        self.message = f"Stripe refused to email the invoice: {refusal.message}"

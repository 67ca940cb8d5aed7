"""Rules that say no to a request in the present state; nothing was changed."""

from __future__ import annotations

from stripe_bridge.domain.errors.base import BridgeError


class Refused(BridgeError):
    """A rule says no in the present state; nothing was changed."""


class InvoiceRevised(Refused):
    """`revision_id` is the invoice at Stripe that took the place of the order's; `is_paid` whether it was paid."""

    def __init__(self, revision_id: str, *, is_paid: bool) -> None:
        super().__init__(revision_id, is_paid)
        self.revision_id, self.is_paid = revision_id, is_paid
        self.message = f"The order's invoice was edited in Stripe, where {revision_id} took its place and "
        self.message += (
            "was paid. Include that payment in the order's `paid_elsewhere_in_cents`."
            if is_paid
            else "can still be paid. Void that one in Stripe first."
        )


class ConfirmationInvalid(Refused):
    """Deliberately one answer, whatever is wrong with it."""

    field = "confirmation"
    message = "The confirmation is unknown, was used before, or is older than four minutes."


class IntegrationNotConnected(Refused):
    message = "Stripe integration is not connected."


class IntegrationRestricted(Refused):
    message = "Stripe integration cannot accept payments yet."


class NothingOutstanding(Refused):
    message = "The sales order has nothing outstanding."


class AmountOverOutstanding(Refused):
    field = "amount_in_cents"

    def __init__(self, amount: int, outstanding: int) -> None:
        super().__init__(amount, outstanding)
        self.amount, self.outstanding = amount, outstanding
        self.message = f"The amount {amount} is above the outstanding balance of {outstanding}."


class AmountBelowMinimum(Refused):
    field = "amount_in_cents"

    def __init__(self, amount: int, minimum: int, currency: str) -> None:
        super().__init__(amount, minimum, currency)
        self.amount, self.minimum, self.currency = amount, minimum, currency
        self.message = f"The amount {amount} is below Stripe's minimum charge of {minimum} for {currency}."


class EmailMissing(Refused):
    field = "customer_email"
    message = "The sales order's customer has no email, and none was given."


class PayloadPurged(Refused):
    message = "The event's payload is no longer kept, so it cannot be applied again."


class CurrencyLocked(Refused):
    field = "currency"

    def __init__(self, currency: str) -> None:
        super().__init__(currency)
        self.currency = currency
        self.message = f"The sales order has an invoice in {currency} that is not void."


class InvoiceNotVoidable(Refused):
    """`state` is why: paid, partly paid, uncollectible or void."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state
        self.message = f"The invoice is {state} and cannot be voided."
        if "paid" in state:
            self.message += " Refund it instead."


class InvoiceNotPayable(Refused):
    message = "The invoice is not open, so there is nothing to email."


class NothingCollected(Refused):
    message = "Nothing was collected through Stripe for this invoice."


class AmountOverRefundable(Refused):
    field = "amount_in_cents"

    def __init__(self, amount: int, refundable: int) -> None:
        super().__init__(amount, refundable)
        self.amount, self.refundable = amount, refundable
        self.message = (
            f"The amount {amount} is above the {refundable} that may still be refunded."
            if refundable
            else "The invoice is refunded in full."
        )


class RefundBlockedByDispute(Refused):
    message = "The payment is under dispute and cannot be refunded."


class TooManySubscribers(Refused):
    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most
        self.message = f"The tenant already has {most} subscribers, the most that are possible."


class StandingLinkNotAllowed(Refused):
    message = (
        "Links that do not expire need a PUBLIC_URL on loopback: only the service's own machine may reach it."
    )

"""What the present state does not allow."""

from __future__ import annotations

from datetime import datetime

from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.refusal import Refusal


class Conflict(BridgeError):
    """The request conflicts with the present state; the caller may read that and try again."""


class AlreadyConnected(Conflict):
    message = "Stripe integration is already connected."


class AuthorizationFailed(Conflict):
    """`reason` is one of AuthorizationFailure's, `refusal` what Stripe said, if it refused.

    The confirmation is used up: the authorization is to be started again.
    """

    def __init__(self, reason: str, refusal: Refusal | None = None) -> None:
        super().__init__(reason)
        self.reason, self.refusal = reason, refusal
        self.message = f"Stripe could not be connected: {reason}."


class OrderOutdated(Conflict):
    """The copy sent is older than the stored one, or as old with other content."""

    field = "updated_at"

    def __init__(self, stored: datetime, given: datetime) -> None:
        super().__init__(stored, given)
        self.stored, self.given = stored, given
        self.message = "The stored copy of this sales order is newer, or equally new but different."


class InvoiceSentRecently(Conflict):
    message = "The invoice was emailed less than a minute ago."


class OrderNotLocked(Conflict):
    """There is nothing to reset: newer copies of the order are accepted."""

    message = "The sales order's updated_at is not in the future: newer copies of it are accepted."


class NotHeldByReader(Conflict):
    message = (
        "No reader of the tenant's changes is holding its sends. If they are held because the database was restored, "
        "`stripe-bridge reconcile --since DATE` ends that."
    )


class RefundNotDuplicate(Conflict):
    """There is nothing to accept."""

    message = "The refund is not reported as a duplicate of another."


class InvoiceBeingSent(Conflict):
    message = "The invoice is still being sent; try again in a moment."


class RequestStillRunning(Conflict):
    message = "The first request with this Idempotency-Key is still running."


class EventBeingProcessed(Conflict):
    message = "The webhook event is being processed."


class ReplayPlanOutdated(Conflict):
    """The plan is not one of this filter, or what it was made for has moved."""

    message = "Events or objects have changed since the plan was made. Make a new plan and review it."


class ReplayEnded(Conflict):
    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status
        self.message = f"The replay is already {status}."


class StaleWrite(Conflict):
    """The row was changed between our read and our write."""

    message = "The record was changed by another request at the same time; try again."


class OrderBilledTwice(Conflict):
    """Stripe has another invoice that asks for the order's money, or a copy of one; an operator has to decide."""

    def __init__(self, stripe_invoice_id: str, other_stripe_invoice_id: str) -> None:
        super().__init__(stripe_invoice_id, other_stripe_invoice_id)
        self.stripe_invoice_id, self.other_stripe_invoice_id = stripe_invoice_id, other_stripe_invoice_id
        self.message = (
            f"Stripe has two invoices for this sales order, {other_stripe_invoice_id} and {stripe_invoice_id}. "
            "Void one of them at Stripe and have the service reconciled; until then, the order is not invoiced again."
        )

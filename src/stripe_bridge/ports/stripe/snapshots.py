"""Reading a Stripe object out of a webhook's payload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.stripe_objects import (
    AccountSnapshot,
    StripeDispute,
    StripeInvoice,
    StripePayment,
    StripeRefund,
)


class SnapshotUnreadable(BridgeError):
    """The object lacks something that our API version requires, or has it in another shape."""

    message = "The event's object does not have the shape of our API version."


class Snapshots(Protocol):
    """Reads objects from webhooks as they are read from API responses. Every method may raise SnapshotUnreadable."""

    def invoice(self, object_: Mapping[str, Any]) -> StripeInvoice:
        """Without payments: a webhook never has them."""
        ...

    def payment(self, object_: Mapping[str, Any]) -> StripePayment: ...

    def account(self, object_: Mapping[str, Any]) -> AccountSnapshot: ...

    def refund(self, object_: Mapping[str, Any]) -> StripeRefund: ...

    def dispute(self, object_: Mapping[str, Any]) -> StripeDispute: ...

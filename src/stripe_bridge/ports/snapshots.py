"""Reading a Stripe object out of a webhook's payload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from stripe_bridge.domain.errors import BridgeError
from stripe_bridge.domain.stripe_objects import (
    AccountSnapshot,
    StripeDispute,
    StripeInvoice,
    StripePayment,
    StripeRefund,
)


class SnapshotUnreadable(BridgeError):
    """The object lacks what it has to have at our API version, or has it in another shape."""

    message = "The event's object does not have the shape of our API version."


class Snapshots(Protocol):
    """The same reading for webhooks as for answers. Each raises SnapshotUnreadable."""

    def invoice(self, object_: Mapping[str, Any]) -> StripeInvoice:
        """Without payments: a webhook never has them."""
        ...

    def payment(self, object_: Mapping[str, Any]) -> StripePayment: ...

    def account(self, object_: Mapping[str, Any]) -> AccountSnapshot: ...

    def refund(self, object_: Mapping[str, Any]) -> StripeRefund: ...

    def dispute(self, object_: Mapping[str, Any]) -> StripeDispute: ...

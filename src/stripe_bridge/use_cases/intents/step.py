"""What settling an intent needs for each operation."""

from __future__ import annotations

from typing import Protocol, TypeVar

from stripe_bridge.domain.intent import Intent
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.ports.stripe.errors import GatewayRefused

Result = TypeVar("Result")


class Step(Protocol[Result]):
    """How one operation is carried out at Stripe.

    `look` and `call` talk to Stripe and are never called inside a transaction; `confirm` and `refuse` only write, in the
    transaction that settles the intent. An intent that they return is added in that transaction, and settled next.
    """

    def look(self, intent: Intent) -> Result | None:
        """The effect as Stripe shows it; None if it shows none.

        Raises ObjectMissing if the object that the call was about is not there, so that there can be no effect either.
        """
        ...

    def call(self, intent: Intent) -> Result:
        """Ask for the effect, under the intent's key."""
        ...

    def confirm(self, work: UnitOfWork, intent: Intent, result: Result) -> Intent | None:
        """Record the effect; plan what follows, if anything does."""
        ...

    def refuse(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        """Record that there is no effect and will be none; plan what makes up for it, if anything does."""
        ...


class Settle(Protocol):
    """Drives an intent, and those that follow from it, as far as Stripe lets it go now."""

    def __call__(self, intent_id: int) -> None:
        """Take a due intent and settle it. Does nothing if it is not due."""
        ...

    def take(self, work: UnitOfWork, planned: Intent) -> Intent:
        """Add a planned intent, already taken by the caller. Raises IntentUnsettled."""
        ...

    def go_on(self, taken: Intent) -> None:
        """Settle a taken intent, once that is committed."""
        ...

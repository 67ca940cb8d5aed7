"""What settling an intent needs for each operation."""

from __future__ import annotations

from typing import Protocol, TypeVar

from stripe_bridge.domain.intent import Intent
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.ports.stripe.errors import GatewayRefused

Result = TypeVar("Result")


class Step(Protocol[Result]):
    """How one operation is carried out at Stripe.

    `find_effect` and `call` talk to Stripe, never inside a transaction; `on_success` and `on_refusal` only write, in the
    transaction that settles the intent. An intent that they return is added in that transaction, and settled next.
    """

    def find_effect(self, intent: Intent) -> Result | None:
        """The effect as Stripe shows it; None if it shows none.

        Raises ObjectMissing if the object that the call was about is not there, so that there can be no effect either.
        """
        ...

    def call(self, intent: Intent) -> Result:
        """Ask for the effect, under the intent's key."""
        ...

    def on_success(self, work: UnitOfWork, intent: Intent, result: Result) -> Intent | None:
        """Record the effect; plan what follows, if anything does."""
        ...

    def on_refusal(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        """Record that there is no effect and will be none; plan what makes up for it, if anything does."""
        ...

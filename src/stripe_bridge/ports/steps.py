"""What settling asks of each operation."""

from __future__ import annotations

from typing import Protocol, TypeVar

from stripe_bridge.domain.intent import Intent
from stripe_bridge.ports.gateway_errors import GatewayRefused
from stripe_bridge.ports.unit_of_work import UnitOfWork

Result = TypeVar("Result")


class Step(Protocol[Result]):
    """One operation on its way through Stripe.

    `look` and `call` talk to Stripe and are never made inside a transaction; `confirm` and `refuse` only write,
    in the transaction that settles the intent. The plan that they return is added in that transaction and gone on with.
    """

    def look(self, intent: Intent) -> Result | None:
        """The effect as Stripe shows it; None when it shows none.

        Raises ObjectMissing where what the call was about is not there, so that the effect cannot be there either.
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
        """Take a due one, and settle it. Nothing happens when it is not due."""
        ...

    def take(self, work: UnitOfWork, planned: Intent) -> Intent:
        """Add what is planned as one's own to settle. Raises IntentUnsettled."""
        ...

    def go_on(self, taken: Intent) -> None:
        """Settle what was taken, now that this is committed."""
        ...

"""After a restore: what was made at Stripe since the backup is unknown here, so nothing is sent until it has been taken in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stripe_bridge.domain.intent import Operation
from stripe_bridge.domain.reconciliation import Drift

# In place of a tenant and an account: all of them.
EVERYONE = ""
# Beyond the highest id seen at Stripe: what never got there, such as an integration without an invoice, had an id as well.
ID_MARGIN = 10_000

# What a held tenant's intents may not ask for. Voiding, deleting and disconnecting go on: they make nothing twice.
HELD = frozenset(
    {
        Operation.CREATE_CUSTOMER,
        Operation.CREATE_DRAFT,
        Operation.ADD_LINES,
        Operation.FINALIZE,
        Operation.SEND,
        Operation.REFUND,
    }
)
# What begins something. If Stripe shows no effect after a restore, the service may have been told a "no" that it has lost:
# the caller, who has not, asks again if it still wants it.
GIVEN_UP = frozenset({Operation.CREATE_CUSTOMER, Operation.CREATE_DRAFT, Operation.REFUND})


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryHold:
    """A tenant's sends are held from `held_at` on, until the account has been reconciled after a restore.

    `stripe_invoice_id` is the invoice that showed that the database was restored; None if an operator said so.
    """

    tenant_id: str
    account_id: str
    held_at: datetime
    stripe_invoice_id: str | None = None
    released_at: datetime | None = None

    @property
    def is_for_everyone(self) -> bool:
        return self.tenant_id == EVERYONE


def is_held(holds: Sequence[RecoveryHold], account_id: str | None) -> bool:
    """Whether a tenant's sends through an account are held. `holds` are the tenant's, and the one for everyone.

    A hold on one of the tenant's accounts holds them all: an order may have been billed through any of them.
    """
    own = [hold for hold in holds if not hold.is_for_everyone]
    if any(hold.released_at is None for hold in own):
        return True
    for hold in holds:
        if hold.is_for_everyone and hold.released_at is None:
            return not any(
                each.account_id == account_id
                and each.released_at is not None
                and each.released_at >= hold.held_at
                for each in own
            )
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class HighestIds:
    """The highest ids of ours that were seen at Stripe."""

    integration: int = 0
    invoice: int = 0
    refund: int = 0

    def beside(self, other: HighestIds) -> HighestIds:
        return HighestIds(
            integration=max(self.integration, other.integration),
            invoice=max(self.invoice, other.invoice),
            refund=max(self.refund, other.refund),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnresolvedInvoice:
    """An invoice of ours at Stripe that only an operator can decide about: it is not taken in, and its order's sends are held.

    `cause` is `billed_twice` if `other_stripe_invoice_id` asks for the same order's money and is stored as its invoice, or
    `copied_reference` if it cannot be told which of the two is the copy.
    """

    account_id: str
    stripe_invoice_id: str
    other_stripe_invoice_id: str
    tenant_id: str
    sales_order_id: int
    cause: Drift
    found_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key that signed what was made at Stripe. Only its fingerprint is known here, and what showed it, if that was an object
    at Stripe."""

    fingerprint: str
    seen_at: datetime
    stripe_id: str | None = None

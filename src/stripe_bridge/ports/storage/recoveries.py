"""What is known of a restore, stored. Everything here happens inside a unit of work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from stripe_bridge.domain.recovery import HighestIds, RecoveryHold, SigningKey, UnresolvedInvoice


class Recoveries(Protocol):
    def holds_of(self, tenant_id: str) -> Sequence[RecoveryHold]:
        """The tenant's holds, released ones too, and the one for everyone."""
        ...

    def may_block(self, tenant_id: str, sales_order_id: int) -> bool:
        """Whether a hold is open that may be about the tenant, or an invoice of the order is unresolved. In one statement."""
        ...

    def open_holds(self) -> Sequence[RecoveryHold]:
        """Those that are not released, over all tenants."""
        ...

    def hold(self, hold: RecoveryHold) -> bool:
        """Hold a tenant's sends. Returns False and changes nothing if the account is held already."""
        ...

    def release(self, tenant_id: str, account_id: str, now: datetime) -> None:
        """End a hold; an account that is not held counts as reconciled from now on."""
        ...

    def doubt_intents(self, tenant_id: str) -> None:
        """Have Stripe looked at before any unsettled intent of the tenant's (or of everyone's) is carried out: what is only
        planned here may have been done before the restore. Those that are being carried out right now are left alone."""
        ...

    def raise_ids(self, seen: HighestIds, margin: int) -> None:
        """From now on give out only ids beyond those, and beyond what was given out here so far, by at least `margin`."""
        ...

    def given_ids(self) -> HighestIds:
        """The highest ids given out so far."""
        ...

    def add_unresolved(self, unresolved: UnresolvedInvoice) -> None:
        """Replaces what was noted about the same invoice."""
        ...

    def resolve(self, account_id: str, stripe_invoice_id: str) -> None:
        """Note that nothing is unresolved about an invoice (any more)."""
        ...

    def is_unresolved(self, account_id: str, stripe_invoice_id: str) -> bool: ...

    def unresolved_of_order(self, tenant_id: str, sales_order_id: int) -> Sequence[UnresolvedInvoice]: ...

    def unresolved_in_account(self, account_id: str) -> Sequence[UnresolvedInvoice]: ...

    def all_unresolved(self) -> Sequence[UnresolvedInvoice]:
        """Over all tenants, by tenant and order."""
        ...

    def note_key(self, key: SigningKey) -> None:
        """The first note of a key stays."""
        ...

    def signing_keys(self) -> Sequence[SigningKey]:
        """All that were ever noted, in the order of their fingerprints."""
        ...

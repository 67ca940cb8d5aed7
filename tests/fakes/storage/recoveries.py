from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from stripe_bridge.domain.recovery import EVERYONE, HighestIds, RecoveryHold, SigningKey, UnresolvedInvoice
from tests.fakes.storage.tables import Table, Tables


class FakeRecoveries:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def holds_of(self, tenant_id: str) -> Sequence[RecoveryHold]:
        return self._tables.recovery_holds.matching(lambda each: each.tenant_id in (EVERYONE, tenant_id))

    def may_block(self, tenant_id: str, sales_order_id: int) -> bool:
        is_held = any(each.released_at is None for each in self.holds_of(tenant_id))
        return is_held or bool(self.unresolved_of_order(tenant_id, sales_order_id))

    def open_holds(self) -> Sequence[RecoveryHold]:
        found = self._tables.recovery_holds.matching(lambda each: each.released_at is None)
        return sorted(found, key=lambda each: (each.tenant_id, each.account_id))

    def hold(self, hold: RecoveryHold) -> bool:
        key = hold.tenant_id, hold.account_id
        known = self._tables.recovery_holds.find(key)
        if known is not None and known.released_at is None:
            return False
        self._tables.recovery_holds.put(key, hold)
        return True

    def release(self, tenant_id: str, account_id: str, now: datetime) -> None:
        known = self._tables.recovery_holds.find((tenant_id, account_id))
        held = known or RecoveryHold(tenant_id=tenant_id, account_id=account_id, held_at=now)
        self._tables.recovery_holds.put((tenant_id, account_id), replace(held, released_at=now))

    def doubt_intents(self, tenant_id: str) -> None:
        planned = self._tables.intents.matching(
            lambda each: (
                not each.is_settled and each.first_sent_at is None and tenant_id in (EVERYONE, each.tenant_id)
            )
        )
        for intent in planned:
            self._tables.intents.put(intent.id, replace(intent, first_sent_at=intent.created_at))

    def raise_ids(self, seen: HighestIds, margin: int) -> None:
        given = self.given_ids().beside(seen)
        for name, table in self._counted().items():
            table.ids.given = getattr(given, name) + margin

    def given_ids(self) -> HighestIds:
        return HighestIds(**{name: table.ids.given for name, table in self._counted().items()})

    def add_unresolved(self, unresolved: UnresolvedInvoice) -> None:
        self._tables.unresolved_invoices.put(
            (unresolved.account_id, unresolved.stripe_invoice_id), unresolved
        )

    def resolve(self, account_id: str, stripe_invoice_id: str) -> None:
        self._tables.unresolved_invoices.remove((account_id, stripe_invoice_id))

    def is_unresolved(self, account_id: str, stripe_invoice_id: str) -> bool:
        return self._tables.unresolved_invoices.find((account_id, stripe_invoice_id)) is not None

    def unresolved_of_order(self, tenant_id: str, sales_order_id: int) -> Sequence[UnresolvedInvoice]:
        of_order = (tenant_id, sales_order_id)
        return [each for each in self.all_unresolved() if (each.tenant_id, each.sales_order_id) == of_order]

    def unresolved_in_account(self, account_id: str) -> Sequence[UnresolvedInvoice]:
        return [each for each in self.all_unresolved() if each.account_id == account_id]

    def all_unresolved(self) -> Sequence[UnresolvedInvoice]:
        found = self._tables.unresolved_invoices.matching(lambda _each: True)
        return sorted(found, key=lambda each: (each.tenant_id, each.sales_order_id, each.stripe_invoice_id))

    def note_key(self, key: SigningKey) -> None:
        if self._tables.signing_keys.find(key.fingerprint) is None:
            self._tables.signing_keys.put(key.fingerprint, key)

    def signing_keys(self) -> Sequence[SigningKey]:
        return sorted(
            self._tables.signing_keys.matching(lambda _each: True), key=lambda each: each.fingerprint
        )

    def _counted(self) -> dict[str, Table[int, Any]]:
        tables = self._tables
        return {"integration": tables.integrations, "invoice": tables.invoices, "refund": tables.refunds}

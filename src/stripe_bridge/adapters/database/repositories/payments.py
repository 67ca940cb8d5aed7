"""What ties invoices to Stripe's other objects, stored: payments, and links to whatever belongs to an invoice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, select

from stripe_bridge.adapters.database.any_of import any_of
from stripe_bridge.adapters.database.identity_map import (
    ADD_LINK,
    PAYMENTS,
    PUT_PAYMENT,
    IdentityMap,
    linked_invoices,
)
from stripe_bridge.adapters.database.mapping import table_of
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.payments import LinkRow
from stripe_bridge.domain.payment import Payment

_PAYMENT = PAYMENTS.table.c
_BY_PAYMENT_INTENT = PAYMENTS.select.where(
    _PAYMENT.account_id == bindparam("account_id"),
    _PAYMENT.payment_intent_id == bindparam("payment_intent_id"),
)
_OF_INVOICE = PAYMENTS.select.where(_PAYMENT.invoice_id == bindparam("invoice_id"))
_OF_INVOICES = PAYMENTS.select.where(any_of(_PAYMENT.invoice_id, "invoice_ids"))

_LINKS = table_of(LinkRow)
_LINK = _LINKS.c
_LINKED_INVOICE = select(_LINK.invoice_id).where(
    _LINK.account_id == bindparam("account_id"), _LINK.stripe_id == bindparam("stripe_id")
)
_LINKED_TO = select(_LINK.stripe_id).where(_LINK.invoice_id == bindparam("invoice_id"))


class SqlPayments:
    def __init__(self, transaction: Transaction, identity_map: IdentityMap) -> None:
        self._transaction, self._identity_map = transaction, identity_map

    def find(self, account_id: str, payment_intent_id: str) -> Payment | None:
        for payments in self._identity_map.payments.values():
            for payment in payments.values():
                if (payment.account_id, payment.payment_intent_id) == (account_id, payment_intent_id):
                    return payment
        return self._transaction.find(
            PAYMENTS, _BY_PAYMENT_INTENT, account_id=account_id, payment_intent_id=payment_intent_id
        )

    def of_invoice(self, invoice_id: int) -> Sequence[Payment]:
        """Sorted here: a database sorts text by its own locale."""
        loaded = self._identity_map.payments.get(invoice_id)
        payments = (
            self._transaction.list(PAYMENTS, _OF_INVOICE, invoice_id=invoice_id)
            if loaded is None
            else loaded.values()
        )
        return sorted(payments, key=lambda payment: payment.stripe_id)

    def of_invoices(self, invoice_ids: Sequence[int]) -> Mapping[int, Sequence[Payment]]:
        loaded = self._identity_map.payments
        found: dict[int, list[Payment]] = {each: list(loaded.get(each, {}).values()) for each in invoice_ids}
        unread = sorted(set(invoice_ids) - loaded.keys())
        if unread:
            for payment in self._transaction.list(PAYMENTS, _OF_INVOICES, invoice_ids=unread):
                found[payment.invoice_id].append(payment)
        return {id_: sorted(each, key=lambda payment: payment.stripe_id) for id_, each in found.items()}

    def put(self, payment: Payment) -> None:
        if payment.invoice_id in self._identity_map.payments:
            self._identity_map.put_payment(payment)
        else:
            self._transaction.execute(PUT_PAYMENT, PAYMENTS.values(payment))


class SqlLinks:
    def __init__(self, transaction: Transaction, identity_map: IdentityMap) -> None:
        self._transaction, self._identity_map = transaction, identity_map

    def add(self, account_id: str, invoice_id: int, stripe_ids: Sequence[str]) -> None:
        """Always in the same order, so that no two transactions deadlock."""
        for stripe_id in sorted(set(stripe_ids)):
            values = {"account_id": account_id, "invoice_id": invoice_id, "stripe_id": stripe_id}
            if (
                invoice_id in self._identity_map.invoices
                or (account_id, stripe_id) in self._identity_map.links
            ):
                self._identity_map.add_link(values)
            else:
                self._transaction.execute(ADD_LINK, values)

    def find_invoice_id(self, account_id: str, stripe_id: str) -> int | None:
        pair = account_id, stripe_id
        if pair in self._identity_map.links:
            return self._identity_map.links[pair]
        if self._identity_map.has_new_link(pair):
            self._identity_map.write_links()
        values = {"account_id": account_id, "stripe_id": stripe_id}
        found: int | None = self._transaction.execute(_LINKED_INVOICE, values).scalar()
        return found

    def find_invoice_ids(self, linked: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
        return linked_invoices(self._transaction, set(linked)) if linked else {}

    def of_invoice(self, invoice_id: int) -> Sequence[str]:
        return sorted(self._transaction.execute(_LINKED_TO, {"invoice_id": invoice_id}).scalars())

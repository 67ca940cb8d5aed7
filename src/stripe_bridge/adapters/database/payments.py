"""What ties invoices to Stripe's other objects, stored: payments, and links to whatever belongs to an invoice."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from stripe_bridge.adapters.database.mapping import Mapper, putting, table_of
from stripe_bridge.adapters.database.rows import LinkRow, PaymentRow
from stripe_bridge.adapters.database.transaction import Transaction
from stripe_bridge.domain.payment import Payment

_PAYMENTS = Mapper(Payment, PaymentRow)
_PAYMENT = _PAYMENTS.table.c
_BY_PAYMENT_INTENT = _PAYMENTS.select.where(
    _PAYMENT.account_id == bindparam("account_id"),
    _PAYMENT.payment_intent_id == bindparam("payment_intent_id"),
)
_OF_INVOICE = _PAYMENTS.select.where(_PAYMENT.invoice_id == bindparam("invoice_id"))
_PUT = putting(_PAYMENTS.table)

_LINKS = table_of(LinkRow)
_LINK = _LINKS.c
_ADD_LINK = insert(_LINKS).on_conflict_do_nothing()
_LINKED_INVOICE = select(_LINK.invoice_id).where(
    _LINK.account_id == bindparam("account_id"), _LINK.stripe_id == bindparam("stripe_id")
)
_LINKED_TO = select(_LINK.stripe_id).where(_LINK.invoice_id == bindparam("invoice_id"))


class SqlPayments:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def find(self, account_id: str, payment_intent_id: str) -> Payment | None:
        return self._transaction.find(
            _PAYMENTS, _BY_PAYMENT_INTENT, account_id=account_id, payment_intent_id=payment_intent_id
        )

    def of_invoice(self, invoice_id: int) -> Sequence[Payment]:
        """Sorted here: a database sorts text by its own locale."""
        payments = self._transaction.list(_PAYMENTS, _OF_INVOICE, invoice_id=invoice_id)
        return sorted(payments, key=lambda payment: payment.stripe_id)

    def put(self, payment: Payment) -> None:
        self._transaction.execute(_PUT, _PAYMENTS.values(payment))


class SqlLinks:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, account_id: str, invoice_id: int, stripe_ids: Sequence[str]) -> None:
        """In one order for all, so that no two transactions wait for each other."""
        for stripe_id in sorted(set(stripe_ids)):
            values = {"account_id": account_id, "invoice_id": invoice_id, "stripe_id": stripe_id}
            self._transaction.execute(_ADD_LINK, values)

    def find_invoice_id(self, account_id: str, stripe_id: str) -> int | None:
        values = {"account_id": account_id, "stripe_id": stripe_id}
        found: int | None = self._transaction.execute(_LINKED_INVOICE, values).scalar()
        return found

    def of_invoice(self, invoice_id: int) -> Sequence[str]:
        return sorted(self._transaction.execute(_LINKED_TO, {"invoice_id": invoice_id}).scalars())

"""Invoices and what belongs to them, read and locked for many events at once, and written together at the end.

One statement for all of them costs little more than one for each. No other transaction can change what a unit of work has
locked, so it need not be read again; and if an invoice is changed six times, only its last state has to be stored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import Insert, insert

from stripe_bridge.adapters.database.any_of import any_of
from stripe_bridge.adapters.database.mapping import (
    AggregateMapper,
    Mapper,
    UniqueRule,
    replacing,
    table_of,
    upsert,
)
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.invoicing import InvoiceRow, SalesOrderRow
from stripe_bridge.adapters.database.tables.payments import LinkRow, PaymentRow
from stripe_bridge.adapters.database.together import insert_together, update_together
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.payment import Payment
from stripe_bridge.domain.replacing import replace
from stripe_bridge.ports.storage.unit_of_work import PayableInvoiceExists

INVOICES = AggregateMapper(
    Invoice,
    InvoiceRow,
    rule=UniqueRule.of(InvoiceRow, "uq_invoices_payable", PayableInvoiceExists),
    # What was fixed when the invoice was reserved.
    fixed=frozenset(
        "tenant_id integration_id sales_order_id sales_order_number user_id stripe_account_id customer_id "
        "customer_email amount currency lines days_until_due created_at".split()
    ),
)
PAYMENTS = Mapper(Payment, PaymentRow)
PUT_PAYMENT = upsert(PAYMENTS.table)
_UPDATE_INVOICES = update_together(INVOICES.table, without=INVOICES.unsaved)
_PUT_PAYMENTS = insert_together(PAYMENTS.table, replacing)
_INVOICE, _PAYMENT = INVOICES.table.c, PAYMENTS.table.c
_LINK, _ORDER = table_of(LinkRow).c, table_of(SalesOrderRow).c
ADD_LINK = insert(table_of(LinkRow)).on_conflict_do_nothing()
_ADD_LINKS = insert_together(table_of(LinkRow), Insert.on_conflict_do_nothing)

_LINKS = select(_LINK.account_id, _LINK.stripe_id, _LINK.invoice_id).where(
    any_of(_LINK.stripe_id, "stripe_ids")
)
# Always in the same order, so that no two of these deadlock.
LOCK_ORDERS = (
    select(_ORDER.tenant_id, _ORDER.id)
    .where(
        tuple_(_ORDER.tenant_id, _ORDER.id).in_(
            select(_INVOICE.tenant_id, _INVOICE.sales_order_id).where(any_of(_INVOICE.id, "ids"))
        )
    )
    .order_by(_ORDER.tenant_id, _ORDER.id)
    .with_for_update(key_share=True)
)
_LOCK_INVOICES = (
    INVOICES.select.where(any_of(_INVOICE.id, "ids")).order_by(_INVOICE.id).with_for_update(key_share=True)
)
_PAYMENTS_OF = PAYMENTS.select.where(any_of(_PAYMENT.invoice_id, "ids"))

Pair = tuple[str, str]


def linked_invoices(transaction: Transaction, wanted: Collection[Pair]) -> dict[Pair, int]:
    """Those of the wanted pairs that are linked. Another account may have an object with the same id."""
    rows = transaction.execute(_LINKS, {"stripe_ids": sorted({stripe_id for _, stripe_id in wanted})})
    found = {(row.account_id, row.stripe_id): row.invoice_id for row in rows}
    return {pair: invoice_id for pair, invoice_id in found.items() if pair in wanted}


class IdentityMap:
    """What one unit of work has prefetched. Empty, and without effect, if nothing was."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        # None means: known not to be linked.
        self.links: dict[Pair, int | None] = {}
        self.invoices: dict[int, Invoice] = {}
        self.payments: dict[int, dict[str, Payment]] = {}
        self._read_versions: dict[int, int] = {}
        self._changed_invoices: set[int] = set()
        self._changed_payments: dict[Pair, Payment] = {}
        self._new_links: dict[Pair, Mapping[str, Any]] = {}

    def read(self, pairs: Iterable[Pair]) -> None:
        wanted = set(pairs)
        if not wanted:
            return
        self.links.update(dict.fromkeys(wanted))
        self.links.update(linked_invoices(self._transaction, wanted))
        ids = sorted({found for found in self.links.values() if found is not None})
        if ids:
            self._lock(ids)

    def _lock(self, ids: Sequence[int]) -> None:
        """Orders first, as everywhere."""
        self._transaction.execute(LOCK_ORDERS, {"ids": ids}).all()
        for invoice in self._transaction.list(INVOICES, _LOCK_INVOICES, ids=ids):
            self.invoices[invoice.id] = invoice
            self._read_versions[invoice.id] = invoice.version
            self.payments[invoice.id] = {}
        for payment in self._transaction.list(PAYMENTS, _PAYMENTS_OF, ids=ids):
            self.payments[payment.invoice_id][payment.stripe_id] = payment

    def save_invoice(self, invoice: Invoice) -> Invoice:
        saved = self.invoices[invoice.id] = replace(invoice, version=invoice.version + 1)
        self._changed_invoices.add(invoice.id)
        self._transaction.saved(saved)
        return saved

    def add_link(self, values: Mapping[str, Any]) -> None:
        """Existing links stay as they are."""
        pair = values["account_id"], values["stripe_id"]
        if pair not in self.links:
            # Whether it is already linked shows when it is written.
            self._new_links.setdefault(pair, values)
        elif self.links[pair] is None:
            self.links[pair] = values["invoice_id"]
            self._new_links[pair] = values

    def put_payment(self, payment: Payment) -> None:
        self.payments[payment.invoice_id][payment.stripe_id] = payment
        self._changed_payments[payment.account_id, payment.stripe_id] = payment

    def write(self) -> None:
        """Write what has changed since, so that the database shows it."""
        changed = [self.invoices[invoice_id] for invoice_id in sorted(self._changed_invoices)]
        updates = [self._values(invoice) for invoice in changed]
        self._transaction.execute_many(INVOICES.update, updates, _UPDATE_INVOICES)
        puts = [PAYMENTS.values(payment) for _, payment in sorted(self._changed_payments.items())]
        self._transaction.execute_many(PUT_PAYMENT, puts, _PUT_PAYMENTS)
        self.write_links()
        self._read_versions.update({invoice.id: invoice.version for invoice in changed})
        self._changed_invoices.clear()
        self._changed_payments.clear()

    def write_links(self) -> None:
        links = [values for _, values in sorted(self._new_links.items())]
        self._transaction.execute_many(ADD_LINK, links, _ADD_LINKS)
        self._new_links.clear()

    def has_new_link(self, pair: Pair) -> bool:
        return pair in self._new_links

    def _values(self, invoice: Invoice) -> dict[str, Any]:
        values = INVOICES.values(invoice, without=INVOICES.unsaved)
        return values | {"own_id": invoice.id, "read_version": self._read_versions[invoice.id]}

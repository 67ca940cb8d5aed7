"""What customers, merchants and banks do without the API: paying, clicking in the dashboard, disputing."""

from typing import Any

from stripe_emulator.emulator import Emulator
from stripe_emulator.errors import Json, invalid, no_such
from stripe_emulator.resources.checkout_sessions import finish_session
from stripe_emulator.resources.credit_notes import credit
from stripe_emulator.resources.customers import adjust_balance
from stripe_emulator.resources.disputes import move_dispute, open_dispute
from stripe_emulator.resources.invoice_lifecycle import (
    finalize_draft,
    mark_invoice_uncollectible,
    void_invoice,
)
from stripe_emulator.resources.payments_flow import OUTCOMES, collect, settle
from stripe_emulator.resources.refunds import (
    emit_refund_created,
    make_reference_available,
    move_refund,
    refund_charge,
)
from stripe_emulator.resources.revisions import begin_revision
from stripe_emulator.store import Record, clone
from stripe_emulator.transaction import Transaction


class Dashboard:
    """Actions on invoices, charges, refunds and disputes; each returns the object as it is afterwards."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def pay(self, invoice: str, outcome: str = "succeed", amount: int | None = None) -> Json:
        """The customer pays an invoice or a part of it, or tries to."""
        if outcome not in OUTCOMES:
            raise invalid(f"Invalid outcome: must be one of {', '.join(OUTCOMES)}", "outcome")
        with self._emulator.transaction() as tx:
            record = find(tx, "invoices", "invoice", invoice)
            collect(tx, record, outcome, amount)
            return clone(record.body)

    def settle_processing(self, invoice: str, outcome: str = "succeed") -> Json:
        """The bank decides about a payment that is processing: `succeed` or `fail`."""
        if outcome not in ("succeed", "fail"):
            raise invalid("Invalid outcome: must be one of succeed or fail", "outcome")
        with self._emulator.transaction() as tx:
            record = find(tx, "invoices", "invoice", invoice)
            settle(tx, record, outcome == "succeed")
            return clone(record.body)

    def void(self, invoice: str) -> Json:
        """The merchant voids an invoice."""
        with self._emulator.transaction() as tx:
            record = find(tx, "invoices", "invoice", invoice)
            void_invoice(tx, record)
            return clone(record.body)

    def revise(self, invoice: str) -> Json:
        """The merchant edits an open invoice: a new invoice takes its place."""
        with self._emulator.transaction() as tx:
            revision = begin_revision(tx, find(tx, "invoices", "invoice", invoice))
            finalize_draft(tx, revision)
            return clone(revision.body)

    def mark_uncollectible(self, invoice: str) -> Json:
        """The merchant writes an invoice off."""
        with self._emulator.transaction() as tx:
            record = find(tx, "invoices", "invoice", invoice)
            mark_invoice_uncollectible(tx, record)
            return clone(record.body)

    def credit(self, invoice: str, amount: int, **how: Any) -> Json:
        """The merchant issues a credit note; `how` is as in the API: `refund_amount`, `credit_amount`, …"""
        with self._emulator.transaction() as tx:
            record = find(tx, "invoices", "invoice", invoice)
            note = credit(tx, record, {"amount": amount, **how})
            return clone(note.body)

    def adjust_balance(self, customer: str, amount: int) -> Json:
        """The merchant adds to a customer's balance: positive if the customer owes it, negative if it is a credit."""
        with self._emulator.transaction() as tx:
            record = find(tx, "customers", "customer", customer)
            adjust_balance(tx, record, amount)
            return clone(record.body)

    def refund(self, charge: str, amount: int | None = None, reason: str | None = None) -> Json:
        """The merchant refunds a charge."""
        with self._emulator.transaction() as tx:
            record = find(tx, "charges", "charge", charge)
            refund = refund_charge(tx, record, amount, reason)
            emit_refund_created(tx, refund, record)
            return clone(refund.body)

    def change_refund(self, refund: str, status: str | None = None, failure_reason: str = "unknown") -> Json:
        """The bank changes a refund's status; without a status, the acquirer's reference arrives."""
        with self._emulator.transaction() as tx:
            record = find(tx, "refunds", "refund", refund)
            if status is None:
                make_reference_available(tx, record)
            else:
                move_refund(tx, record, status, failure_reason)
            return clone(record.body)

    def dispute(
        self, charge: str, kind: str = "chargeback", amount: int | None = None, reason: str = "fraudulent"
    ) -> Json:
        """The customer disputes a charge: an `inquiry` or a `chargeback`."""
        with self._emulator.transaction() as tx:
            record = find(tx, "charges", "charge", charge)
            dispute = open_dispute(tx, record, kind, amount, reason)
            return clone(dispute.body)

    def change_dispute(self, dispute: str, status: str) -> Json:
        """The bank changes a dispute's status."""
        with self._emulator.transaction() as tx:
            record = find(tx, "disputes", "dispute", dispute)
            move_dispute(tx, record, status)
            return clone(record.body)

    def finish_checkout(
        self, event: str = "completed", invoice: str | None = None, payment_intent: str | None = None
    ) -> Json:
        """A customer goes through Stripe's checkout for an invoice or a payment intent."""
        with self._emulator.transaction() as tx:
            session = finish_session(tx, event, invoice, payment_intent)
            return clone(session.body)


def find(tx: Transaction, kind: str, noun: str, object_id: str) -> Record:
    """An object of any account."""
    record = tx.store.find(kind, object_id)
    if record is None:
        raise no_such(noun, object_id, "id")
    return record

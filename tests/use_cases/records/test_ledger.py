"""Stripe's refunds and disputes set an invoice's totals, however and how often we learn of them."""

from itertools import permutations

import pytest

from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.refund import Refund, RefundState
from stripe_bridge.domain.stripe_objects import METADATA_REFERENCE, StripeDispute, StripeRefund
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.use_cases.records.ledger import RefundLedger
from stripe_bridge.use_cases.records.signed_metadata import SignedMetadata
from tests.builders import (
    ACCOUNT,
    AMOUNT,
    a_customer_key,
    a_refund,
    a_sales_order,
    a_stripe_dispute,
    a_stripe_refund,
    an_integration,
    an_invoice,
)
from tests.fakes.signer import FakeSigner
from tests.fakes.storage.unit_of_work import FakeStore
from tests.fakes.system import FrozenClock


class Books:
    """The ledger of one paid invoice."""

    def __init__(self) -> None:
        self.store, self.ledger = FakeStore(), RefundLedger(FrozenClock(), SignedMetadata(FakeSigner()))
        with self.store.writing() as work:
            work.sales_orders.add(a_sales_order())
            integration = work.integrations.add(an_integration())
            customer = work.customers.get_or_add(a_customer_key())
            paid = an_invoice(
                integration_id=integration.id, customer_id=customer.id, status=InvoiceStatus.PAID
            )
            self.invoice_id = work.invoices.add(paid).id
            work.commit()

    def reserve(self, reference: str) -> Refund:
        with self.store.writing() as work:
            reserved = work.refunds.add(a_refund(invoice_id=self.invoice_id, reference=reference))
            work.commit()
        return reserved

    def refund(self, seen: StripeRefund, *, may_be_late: bool = False) -> Invoice:
        with self.store.writing() as work:
            invoice = self.ledger.record_refund(work, self._locked(work), seen, may_be_late=may_be_late)
            work.commit()
        return invoice

    def dispute(self, seen: StripeDispute) -> Invoice:
        with self.store.writing() as work:
            invoice = self.ledger.record_dispute(work, self._locked(work), seen)
            work.commit()
        return invoice

    def release(self, refund_id: int) -> None:
        with self.store.writing() as work:
            self.ledger.release(work, refund_id, "no")
            work.commit()

    def refunds(self) -> list[Refund]:
        with self.store.reading() as work:
            return list(work.refunds.of_invoice(self.invoice_id))

    def find(self, seen: StripeRefund, account_id: str = ACCOUNT) -> Refund | None:
        with self.store.reading() as work:
            return self.ledger.find_refund(work, account_id, seen)

    def _locked(self, work: UnitOfWork) -> Invoice:
        locked = work.invoices.lock(self.invoice_id)
        assert locked is not None
        return locked


def test_a_refund_of_the_dashboard_is_added_once_however_often_it_is_seen():
    books = Books()
    for _ in range(3):
        invoice = books.refund(a_stripe_refund(amount=2_000, reason="duplicate"))

    (added,) = books.refunds()
    assert (added.stripe_refund_id, added.reason, added.reference) == ("re_1", "duplicate", None)
    assert (invoice.amount_refunded, invoice.last_refunded_at) == (2_000, added.created_at)


def test_a_reservation_is_found_by_its_reference_until_stripes_id_is_known():
    books = Books()
    reserved = books.reserve("ref-1")
    made = a_stripe_refund(metadata={METADATA_REFERENCE: "ref-1"})

    assert books.find(made) == reserved
    assert books.find(made, "acct_other") is None, "A reference counts only in its own account."
    books.refund(made)
    copied = a_stripe_refund(id="re_2", metadata={METADATA_REFERENCE: "ref-1"})

    assert books.find(made) == books.refunds()[0]
    assert books.find(copied) is None, "Metadata can be copied."
    assert len(books.refunds()) == 1


def test_the_total_is_of_refunds_that_exist_at_stripe_in_whatever_order_they_are_seen():
    seen = [
        a_stripe_refund(id="re_1", amount=1_000),
        a_stripe_refund(id="re_2", amount=2_000, status="pending"),
        a_stripe_refund(id="re_3", amount=4_000, status="failed"),
        a_stripe_refund(id="re_4", amount=8_000, status="canceled"),
    ]
    for order in permutations(seen):
        books = Books()
        books.reserve("ref-1")
        for refund in order:
            invoice = books.refund(refund)
        assert invoice.amount_refunded == 3_000


def test_of_two_states_that_only_stripe_can_order_one_that_may_be_late_changes_nothing():
    books = Books()
    books.refund(a_stripe_refund(status="pending"))

    books.refund(a_stripe_refund(status="requires_action"), may_be_late=True)
    assert [each.state for each in books.refunds()] == [RefundState.PENDING]
    books.refund(a_stripe_refund(status="requires_action"))
    assert [each.state for each in books.refunds()] == [RefundState.REQUIRES_ACTION]


@pytest.mark.parametrize("is_shown", [True, False])
def test_only_a_reservation_is_released_and_not_what_stripe_has_shown(is_shown: bool):
    books = Books()
    reserved = books.reserve("ref-1")
    if is_shown:
        books.refund(a_stripe_refund(metadata={METADATA_REFERENCE: "ref-1"}))

    books.release(reserved.id)

    (kept,) = books.refunds()
    assert kept.state is (RefundState.SUCCEEDED if is_shown else RefundState.REFUSED)
    assert kept.reserves_amount is is_shown


@pytest.mark.parametrize(("status", "lost"), [("lost", AMOUNT), ("won", 0), ("needs_response", 0)])
def test_a_dispute_sets_the_invoices_status_and_what_was_lost(status: str, lost: int):
    books = Books()
    books.dispute(a_stripe_dispute(status="needs_response"))

    invoice = books.dispute(a_stripe_dispute(status=status))
    again = books.dispute(a_stripe_dispute(status=status))

    assert (invoice.dispute_status, invoice.amount_lost) == (status, lost)
    assert again == invoice, "The same again changes nothing."

"""A snapshot of Stripe's changes our record of an invoice only if it is newer, however it came here."""

from datetime import timedelta
from typing import Any

import pytest

from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.stripe_objects import StripeInvoice, StripeInvoiceStatus, StripePayment
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.use_cases.records.invoices import RecordInvoice, find_invoice
from tests.builders import (
    ACCOUNT,
    AMOUNT,
    NOW,
    a_customer_key,
    a_sales_order,
    a_stripe_invoice,
    a_stripe_payment,
    an_integration,
    an_invoice,
)
from tests.fakes.storage.unit_of_work import FakeStore
from tests.fakes.system import FrozenClock

OPEN, PAID = StripeInvoiceStatus.OPEN, StripeInvoiceStatus.PAID


class Records:
    """One reserved invoice, and what may be recorded of it."""

    def __init__(self) -> None:
        self.store = FakeStore()
        self.record = RecordInvoice(FrozenClock())
        with self.store.writing() as work:
            work.sales_orders.add(a_sales_order())
            integration = work.integrations.add(an_integration())
            customer = work.customers.get_or_add(a_customer_key())
            self.id = work.invoices.add(an_invoice(integration_id=integration.id, customer_id=customer.id)).id
            work.commit()

    def snapshot(self, status: StripeInvoiceStatus = OPEN, **changes: Any) -> Invoice:
        with self.store.writing() as work:
            recorded = self.record(work, self._locked(work), a_stripe_invoice(status=status, **changes))
            work.commit()
        assert recorded == self.stored()
        return recorded

    def response(self, snapshot: StripeInvoice) -> Invoice:
        with self.store.writing() as work:
            recorded = self.record.record_response(work, self._locked(work), snapshot)
            work.commit()
        return recorded

    def payments(self, *snapshots: StripePayment) -> Invoice:
        with self.store.writing() as work:
            recorded = self.record.record_payments(work, self._locked(work), snapshots)
            work.commit()
        return recorded

    def charge(self, charge_id: str, *, succeeded: bool) -> Invoice:
        with self.store.writing() as work:
            recorded = self.record.record_charge(
                work, self._locked(work), "pi_1", charge_id, succeeded=succeeded
            )
            work.commit()
        return recorded

    def stored(self) -> Invoice:
        with self.store.reading() as work:
            found = work.invoices.find(self.id)
        assert found is not None
        return found

    def linked(self) -> set[str]:
        with self.store.reading() as work:
            return set(work.links.of_invoice(self.id))

    def _locked(self, work: UnitOfWork) -> Invoice:
        locked = work.invoices.lock(self.id)
        assert locked is not None
        return locked


def test_the_first_snapshot_links_the_invoice_to_its_id_at_stripe():
    records = Records()

    records.snapshot(StripeInvoiceStatus.DRAFT, id="in_7")

    assert records.stored().status is InvoiceStatus.DRAFT
    assert records.linked() == {"in_7"}


def test_an_older_snapshot_changes_nothing():
    records = Records()
    paid = records.snapshot(PAID)

    assert records.snapshot(OPEN) == paid


def test_of_two_snapshots_that_only_stripe_can_order_a_response_gives_precedence_to_the_record():
    records = Records()
    records.snapshot(OPEN)
    credited = a_stripe_invoice(status=OPEN, amount_remaining=AMOUNT - 100)

    assert records.response(credited).amount_remaining == AMOUNT
    assert records.snapshot(OPEN, amount_remaining=AMOUNT - 100).amount_remaining == AMOUNT - 100


def test_a_response_that_is_newer_is_recorded_with_its_payments():
    records = Records()
    records.snapshot(OPEN)

    recorded = records.response(a_stripe_invoice(status=PAID, payments=(a_stripe_payment(),)))

    assert (recorded.status, recorded.amount_collected) == (InvoiceStatus.PAID, AMOUNT)
    assert (recorded.stripe_payment_intent_id, recorded.stripe_charge_id) == ("pi_1", "ch_1")
    assert records.linked() == {"in_1", "pi_1", "ch_1"}


def test_the_totals_count_each_payment_once_and_show_the_newest_whatever_the_order():
    first = a_stripe_payment(amount_paid=5_000)
    second = a_stripe_payment(
        id="inpay_2",
        payment_intent_id="pi_2",
        charge_id="ch_2",
        is_default=False,
        amount_paid=7_000,
        paid_at=NOW + timedelta(hours=1),
    )
    for order in ((first, second), (second, first), (first, first, second, first)):
        records = Records()
        records.snapshot(OPEN)
        for payment in order:
            records.payments(payment)

        assert records.stored().amount_collected == 12_000
        assert records.stored().stripe_payment_intent_id == "pi_2"


@pytest.mark.parametrize("succeeded", [True, False])
def test_a_charge_is_linked_and_becomes_the_payments_only_if_it_succeeded(succeeded: bool):
    records = Records()
    records.snapshot(OPEN, payments=(a_stripe_payment(status="open"),))

    records.charge("ch_9", succeeded=succeeded)

    assert "ch_9" in records.linked()
    assert records.stored().stripe_charge_id == ("ch_9" if succeeded else None)


def test_an_invoice_is_found_by_the_first_of_the_ids_that_is_linked():
    records = Records()
    records.snapshot(PAID, payments=(a_stripe_payment(),))
    invoice = records.stored()

    with records.store.reading() as work:
        for ids in (["in_1"], ["pi_1"], ["ch_1"], [None, "in_foreign", "ch_1"]):
            assert find_invoice(work, ACCOUNT, *ids) == invoice
        assert find_invoice(work, ACCOUNT, None, "in_foreign") is None
        assert find_invoice(work, "acct_other", "in_1") is None, "Ids are only unique within an account."

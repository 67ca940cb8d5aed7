"""What every store promises about refunds and disputes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.domain.errors.conflicts import StaleWrite
from stripe_bridge.domain.refusal import Refusal
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.builders import ACCOUNT, NOW, a_dispute, a_refund, a_stripe_refund
from tests.contracts.stored import at_once, stored_invoice


def test_a_refund_comes_back_as_it_was_stored(store: Store):
    invoice = stored_invoice(store)
    with store.writing() as work:
        refund = work.refunds.add(a_refund(invoice_id=invoice.id, reason="duplicate", user_id=7))
        assert work.refunds.find(refund.id) == refund
        saved = work.refunds.save(refund.observe(a_stripe_refund(), NOW))
        work.commit()
    with store.reading() as work:
        assert work.refunds.find(refund.id) == saved
        assert work.refunds.find(refund.id + 1) is None
        assert work.refunds.find_by_stripe_id(ACCOUNT, "re_1") == saved
        assert work.refunds.find_by_stripe_id("acct_2", "re_1") is None
        assert work.refunds.find_by_reference(refund.reference or "") == saved
        assert work.refunds.find_by_reference("another") is None


def test_what_stripe_said_when_it_refused_a_refund_comes_back(store: Store):
    invoice = stored_invoice(store)
    said = Refusal(message="No.", code="charge_disputed", request_log_url="https://dashboard.stripe.com/logs")
    with store.writing() as work:
        refund = work.refunds.add(a_refund(invoice_id=invoice.id))
        saved = work.refunds.save(refund.refuse("No.", NOW, said))
        work.commit()
    with store.reading() as work:
        assert work.refunds.find(refund.id) == saved


def test_a_stale_refund_is_not_saved(store: Store):
    invoice = stored_invoice(store)
    with store.writing() as work:
        refund = work.refunds.add(a_refund(invoice_id=invoice.id))
        work.refunds.save(replace(refund, reason="duplicate"))
        with pytest.raises(StaleWrite):
            work.refunds.save(refund)


def test_an_invoices_refunds_come_newest_first(store: Store):
    first, second = (stored_invoice(store, sales_order_id=number) for number in (1, 2))
    with store.writing() as work:
        refunds = [work.refunds.add(a_refund(invoice_id=first.id, reference=None)) for _ in range(3)]
        work.refunds.add(a_refund(invoice_id=second.id))
        assert work.refunds.of_invoice(first.id) == refunds[::-1]


def test_refunds_that_were_made_twice_are_listed_over_all_invoices_until_they_are_accepted(store: Store):
    with store.reading() as work:
        assert list(work.refunds.duplicates()) == []
    first, second = (stored_invoice(store, sales_order_id=number) for number in (1, 2))
    with store.writing() as work:
        original = work.refunds.add(a_refund(invoice_id=first.id))
        copies = [
            work.refunds.add(a_refund(invoice_id=each.id, reference=None, duplicate_of=original.id))
            for each in (first, second)
        ]
        work.commit()
    with store.writing() as work:
        assert list(work.refunds.duplicates()) == copies
        work.refunds.save(copies[0].accept_duplicate(NOW))
        work.commit()
    with store.reading() as work:
        assert list(work.refunds.duplicates()) == copies[1:]


def test_of_simultaneous_entries_of_one_stripe_refund_one_stays(store: Store):
    invoice = stored_invoice(store)

    def enter(_number: int) -> int:
        with store.writing() as work:
            refund = work.refunds.add(a_refund(invoice_id=invoice.id, stripe_refund_id="re_1"))
            work.commit()
        return refund.id

    outcomes = at_once(8, enter)
    assert sum(isinstance(outcome, StaleWrite) for outcome in outcomes) == 7
    with store.reading() as work:
        assert len(work.refunds.of_invoice(invoice.id)) == 1


def test_disputes_are_stored_by_their_stripe_id_and_listed_newest_first(store: Store):
    invoice = stored_invoice(store)
    older = a_dispute(invoice_id=invoice.id, stripe_id="dp_9")
    newer = a_dispute(invoice_id=invoice.id, stripe_id="dp_1", opened_at=NOW + timedelta(seconds=1))
    with store.writing() as work:
        for dispute in (older, newer, replace(older, status="lost", version=2)):
            work.disputes.put(dispute)
        assert work.disputes.of_invoice(invoice.id) == [newer, replace(older, status="lost", version=2)]
        assert work.disputes.find(ACCOUNT, "dp_1") == newer
        assert work.disputes.find("acct_2", "dp_1") is None

"""What every store promises about restores: holds, ids, unresolved invoices, keys."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stripe_bridge.domain.errors.base import SalesOrderNotFound
from stripe_bridge.domain.intent import IntentState
from stripe_bridge.domain.reconciliation import Drift
from stripe_bridge.domain.recovery import EVERYONE, HighestIds, RecoveryHold, SigningKey, UnresolvedInvoice
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.builders import ACCOUNT, NOW, TENANT, a_refund, a_sales_order, an_integration
from tests.contracts.stored import ready_invoice, stored_integration, stored_intent, stored_invoice

LATER = NOW + timedelta(hours=1)


def a_hold(**changes: Any) -> RecoveryHold:
    values: dict[str, Any] = {"tenant_id": TENANT, "account_id": ACCOUNT, "held_at": NOW}
    return RecoveryHold(**values | changes)


def an_unresolved_invoice(**changes: Any) -> UnresolvedInvoice:
    values: dict[str, Any] = {
        "account_id": ACCOUNT,
        "stripe_invoice_id": "in_2",
        "other_stripe_invoice_id": "in_1",
        "tenant_id": TENANT,
        "sales_order_id": 501,
        "cause": Drift.BILLED_TWICE,
        "found_at": NOW,
    }
    return UnresolvedInvoice(**values | changes)


def test_what_may_block_an_order_is_an_open_hold_or_something_unresolved_about_it(store: Store):
    with store.writing() as work:
        work.recoveries.hold(a_hold(tenant_id="another"))
        work.recoveries.add_unresolved(an_unresolved_invoice())
        assert [work.recoveries.may_block(TENANT, order) for order in (501, 502)] == [True, False]
        assert not work.recoveries.may_block("a third", 501)
        work.recoveries.hold(a_hold())
        assert work.recoveries.may_block(TENANT, 502)
        work.recoveries.release(TENANT, ACCOUNT, LATER)
        assert not work.recoveries.may_block(TENANT, 502)
        work.recoveries.hold(a_hold(tenant_id=EVERYONE, account_id=EVERYONE))
        assert work.recoveries.may_block(TENANT, 502)


def test_a_tenant_has_its_own_holds_and_the_one_for_everyone(store: Store):
    own, for_everyone = a_hold(stripe_invoice_id="in_1"), a_hold(tenant_id=EVERYONE, account_id=EVERYONE)
    with store.writing() as work:
        assert work.recoveries.hold(own)
        assert work.recoveries.hold(for_everyone)
        assert work.recoveries.hold(a_hold(tenant_id="another"))
        work.commit()
    with store.reading() as work:
        assert {each.tenant_id for each in work.recoveries.holds_of(TENANT)} == {TENANT, EVERYONE}
        assert own in work.recoveries.holds_of(TENANT)
        assert [each.tenant_id for each in work.recoveries.open_holds()] == [EVERYONE, TENANT, "another"]


def test_an_account_that_is_held_already_stays_as_it_is(store: Store):
    with store.writing() as work:
        assert work.recoveries.hold(a_hold())
        assert not work.recoveries.hold(a_hold(held_at=LATER))
        assert work.recoveries.holds_of(TENANT) == [a_hold()]


def test_a_released_account_can_be_held_again(store: Store):
    with store.writing() as work:
        work.recoveries.hold(a_hold())
        work.recoveries.release(TENANT, ACCOUNT, LATER)
        assert work.recoveries.holds_of(TENANT) == [a_hold(released_at=LATER)]
        assert work.recoveries.open_holds() == []
        assert work.recoveries.hold(a_hold(held_at=LATER))
        assert work.recoveries.open_holds() == [a_hold(held_at=LATER)]


def test_an_account_that_was_not_held_counts_as_reconciled_once_it_is_released(store: Store):
    with store.writing() as work:
        work.recoveries.release(TENANT, ACCOUNT, NOW)
        assert work.recoveries.holds_of(TENANT) == [a_hold(released_at=NOW)]


def test_what_is_only_planned_has_to_be_looked_for(store: Store):
    stored_integration(store)
    planned = stored_intent(store, subject="a", reference="a")
    foreign = stored_intent(store, subject="b", reference="b", tenant_id="another")
    settled = stored_intent(store, subject="c", reference="c", state=IntentState.CONFIRMED)
    with store.writing() as work:
        work.recoveries.doubt_intents(TENANT)
        found = [work.intents.find(each.id) for each in (planned, foreign, settled)]
        assert [each is not None and each.may_have_happened for each in found] == [True, False, False]
        work.recoveries.doubt_intents(EVERYONE)
        again = work.intents.find(foreign.id)
        assert again is not None
        assert again.may_have_happened


def test_new_ids_are_beyond_those_that_were_seen(store: Store):
    invoice = stored_invoice(store)
    with store.writing() as work:
        work.recoveries.raise_ids(HighestIds(integration=70, invoice=500, refund=30), margin=1000)
        work.commit()
    with store.writing() as work:
        assert work.integrations.add(an_integration(account_id="acct_new")).id > 1070
        assert work.refunds.add(a_refund(invoice_id=invoice.id)).id > 1030
        work.commit()
    assert stored_invoice(store, sales_order_id=502).id > 1500


def test_new_ids_are_beyond_those_that_were_given_out_here(store: Store):
    last = stored_invoice(store)
    with store.writing() as work:
        before = work.recoveries.given_ids().invoice
        assert before >= last.id
        work.recoveries.raise_ids(HighestIds(), margin=1000)
        work.commit()
    assert stored_invoice(store, sales_order_id=502).id > before + 1000


def test_raising_ids_twice_never_lowers_them(store: Store):
    with store.writing() as work:
        work.recoveries.raise_ids(HighestIds(invoice=500), margin=10)
        work.recoveries.raise_ids(HighestIds(invoice=20), margin=10)
        assert work.recoveries.given_ids().invoice >= 510


def test_an_invoice_is_restored_under_its_id_once(store: Store):
    invoice = replace(ready_invoice(store), id=4711)
    with store.writing() as work:
        assert work.invoices.restore(invoice)
        assert not work.invoices.restore(invoice)
        work.commit()
    with store.reading() as work:
        assert work.invoices.find(4711) == invoice


def test_a_refund_is_restored_under_its_id_once(store: Store):
    refund = a_refund(id=4712, invoice_id=stored_invoice(store).id)
    with store.writing() as work:
        assert work.refunds.restore(refund)
        assert not work.refunds.restore(replace(refund, reference="another"))
        assert work.refunds.find(4712) == refund


def test_an_intent_is_found_by_its_reference(store: Store):
    stored_integration(store)
    intent = stored_intent(store, reference="ref-1")
    with store.reading() as work:
        assert work.intents.find_by_reference("ref-1") == intent
        assert work.intents.find_by_reference("ref-2") is None


def test_an_order_that_was_not_submitted_can_be_found_but_not_got(store: Store):
    order = a_sales_order(submitted=False)
    with store.writing() as work:
        assert work.sales_orders.add(order)
        assert work.sales_orders.find(order.tenant_id, order.id) == order
        with pytest.raises(SalesOrderNotFound):
            work.sales_orders.get(order.tenant_id, order.id)


def test_an_unresolved_invoice_is_noted_until_it_is_resolved(store: Store):
    with store.writing() as work:
        work.recoveries.add_unresolved(an_unresolved_invoice())
        work.recoveries.add_unresolved(an_unresolved_invoice(found_at=LATER))
        work.recoveries.add_unresolved(an_unresolved_invoice(stripe_invoice_id="in_3", sales_order_id=502))
        work.commit()
    with store.writing() as work:
        assert work.recoveries.is_unresolved(ACCOUNT, "in_2")
        assert not work.recoveries.is_unresolved(ACCOUNT, "in_1")
        assert work.recoveries.unresolved_of_order(TENANT, 501) == [an_unresolved_invoice(found_at=LATER)]
        assert (
            len(work.recoveries.unresolved_in_account(ACCOUNT)) == len(work.recoveries.all_unresolved()) == 2
        )
        work.recoveries.resolve(ACCOUNT, "in_2")
        assert work.recoveries.unresolved_of_order(TENANT, 501) == []


def test_the_first_note_of_a_key_stays(store: Store):
    first = SigningKey(fingerprint="f1", seen_at=NOW, stripe_id="in_1")
    with store.writing() as work:
        work.recoveries.note_key(first)
        work.recoveries.note_key(SigningKey(fingerprint="f1", seen_at=LATER))
        work.recoveries.note_key(SigningKey(fingerprint="f0", seen_at=LATER))
        assert work.recoveries.signing_keys() == [SigningKey(fingerprint="f0", seen_at=LATER), first]

"""What every store promises for reconciling."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.reconciliation import Gap
from stripe_bridge.domain.refund import RefundState
from stripe_bridge.domain.webhook_event import EventStatus
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from tests.builders import ACCOUNT, NOW, a_dispute, a_pending_integration, a_refund
from tests.contracts.stored import at_once, settle, stored_event, stored_integration, stored_invoice

SOON = NOW + timedelta(minutes=5)
MINUTES = timedelta(minutes=2)


def claim(store: Store, now: Any = NOW, lease_until: Any = SOON) -> int | None:
    with store.writing() as work:
        claimed = work.reconciliations.claim(now, lease_until)
        work.commit()
    return claimed


def test_connected_integrations_are_claimed_in_turn_and_again_when_their_lease_ends(store: Store):
    one, two = (stored_integration(store, account_id=f"acct_{number}").id for number in (1, 2))
    with store.writing() as work:
        work.integrations.add(a_pending_integration())
        work.commit()

    assert [claim(store), claim(store), claim(store)] == [one, two, None]
    assert claim(store, now=SOON) == one
    with store.reading() as work:
        assert list(work.reconciliations.connected()) == [one, two]


def test_one_that_is_put_off_waits(store: Store):
    integration = stored_integration(store)
    with store.writing() as work:
        work.reconciliations.postpone(integration.id, NOW + timedelta(seconds=1))
        work.commit()

    assert claim(store) is None
    assert claim(store, now=NOW + timedelta(seconds=1)) == integration.id


def test_a_claim_leaves_the_integration_as_it_was(store: Store):
    integration = stored_integration(store)
    claim(store)
    with store.reading() as work:
        assert work.integrations.find(integration.id) == integration


def test_the_gap_that_was_saved_last_is_read_and_leaves_the_integration_as_it_was(store: Store):
    integration, other = stored_integration(store), stored_integration(store, account_id="acct_2")
    gap = Gap(events=3, runs=2, newest_at=NOW, found_at=SOON)
    for noted in (None, gap):
        with store.writing() as work:
            assert work.reconciliations.gap(integration.id) is None
            work.reconciliations.save_gap(integration.id, noted)
            work.commit()
    with store.writing() as work:
        assert work.reconciliations.gap(integration.id) == gap
        assert work.reconciliations.gap(other.id) is None
        assert work.integrations.find(integration.id) == integration
        work.reconciliations.save_gap(integration.id, None)
        assert work.reconciliations.gap(integration.id) is None


def test_overdue_events_are_counted_whether_or_not_they_were_claimed(store: Store):
    stored_integration(store)
    for number in range(3):
        stored_event(store, f"evt_{number}", stripe_event_id=f"evt_{number}", due_at=NOW)
    with store.writing() as work:
        taken, done, _ = work.inbox.claim(NOW, SOON, 3)
        assert settle(work, done, done.processed(NOW))
        assert settle(work, taken, taken.release(NOW))
        work.commit()
    with store.reading() as work:
        overdue = work.reconciliations.overdue_events
        assert dict(overdue(NOW)) == {}
        assert dict(overdue(SOON)) == {EventStatus.RECEIVED: 1}
        assert dict(overdue(SOON + timedelta(seconds=1))) == {
            EventStatus.RECEIVED: 1,
            EventStatus.PROCESSING: 1,
        }


def test_the_connected_one_that_is_furthest_behind_tells_up_to_when_all_is_known(store: Store):
    with store.reading() as work:
        assert work.reconciliations.reconciled_until() is None
    one, two, left = (stored_integration(store, account_id=f"acct_{number}") for number in range(3))
    with store.writing() as work:
        for each in (one, two, left):
            work.integrations.find(each.id)
        work.integrations.save(one.reconciled(SOON))
        work.integrations.save(two.reconciled(NOW + timedelta(minutes=1)))
        work.integrations.save(left.disconnect(SOON))
        work.commit()
    with store.reading() as work:
        assert work.reconciliations.reconciled_until() == NOW + timedelta(minutes=1)


def test_one_that_left_is_not_claimed(store: Store):
    integration = stored_integration(store)
    with store.writing() as work:
        work.integrations.find(integration.id)
        work.integrations.save(integration.disconnect(NOW))
        work.commit()

    assert claim(store) is None


def test_integrations_are_listed_that_were_disconnected_since_a_time(store: Store):
    early, late, back, _here = (stored_integration(store, account_id=f"acct_{number}") for number in range(4))
    with store.writing() as work:
        for each in (early, late, back):
            work.integrations.find(each.id)
        work.integrations.save(early.disconnect(NOW - timedelta(seconds=1)))
        work.integrations.save(late.disconnect(NOW))
        left = work.integrations.save(back.disconnect(NOW))
        assert back.snapshot is not None
        work.integrations.save(
            left.connect(snapshot=back.snapshot, livemode=False, sealed_access_token="sealed", now=NOW)
        )
        work.integrations.add(a_pending_integration())
        work.commit()

    with store.reading() as work:
        assert list(work.reconciliations.disconnected_since(NOW)) == [late.id]


def test_simultaneous_claimers_get_different_ones(store: Store):
    ids = {stored_integration(store, account_id=f"acct_{number}").id for number in range(4)}

    claimed = at_once(8, lambda _: claim(store))

    assert sorted(each for each in claimed if isinstance(each, int)) == sorted(ids)


def pages(store: Store, ask: Callable[[UnitOfWork, Any], Any], first: Any, key: str) -> list[list[Any]]:
    found, after = [], first
    with store.reading() as work:
        while page := ask(work, after):
            found.append([getattr(each, key) for each in page])
            after = found[-1][-1]
    return found


def test_unfinished_invoices_of_an_account_come_in_pages(store: Store):
    by_status = {
        status: stored_invoice(store, status=status, sales_order_id=number).id
        for number, status in enumerate(InvoiceStatus, start=1)
    }
    more = stored_invoice(store, status=InvoiceStatus.OPEN, sales_order_id=50).id
    stored_invoice(store, status=InvoiceStatus.OPEN, sales_order_id=51, stripe_account_id="acct_2")

    found = pages(store, lambda work, after: work.reconciliations.invoices(ACCOUNT, after, 2), 0, "id")

    draft, open_ = by_status[InvoiceStatus.DRAFT], by_status[InvoiceStatus.OPEN]
    assert found == [[draft, open_], [by_status[InvoiceStatus.UNCOLLECTIBLE], more]]


def test_undecided_refunds_of_an_account_come_in_pages(store: Store):
    invoice = stored_invoice(store)
    with store.writing() as work:
        by_state = {
            state: work.refunds.add(a_refund(invoice_id=invoice.id, state=state)).id for state in RefundState
        }
        work.refunds.add(a_refund(invoice_id=invoice.id, state=RefundState.PENDING, account_id="acct_2"))
        work.commit()

    found = pages(store, lambda work, after: work.reconciliations.refunds(ACCOUNT, after, 1), 0, "id")

    assert found == [[by_state[RefundState.PENDING]], [by_state[RefundState.REQUIRES_ACTION]]]


def test_disputes_that_have_not_ended_come_in_pages(store: Store):
    invoice = stored_invoice(store)
    ended = ["lost", "won", "warning_closed", "prevented"]
    statuses = ["needs_response", "warning_under_review", "new_to_us", *ended]
    with store.writing() as work:
        for number, status in enumerate(statuses):
            work.disputes.put(a_dispute(invoice_id=invoice.id, stripe_id=f"du_{number}", status=status))
        work.disputes.put(a_dispute(invoice_id=invoice.id, stripe_id="du_8", account_id="acct_2"))
        work.commit()

    found = pages(
        store, lambda work, after: work.reconciliations.disputes(ACCOUNT, after, 2), "", "stripe_id"
    )

    assert found == [["du_0", "du_1"], ["du_2"]]


def test_an_accounts_newest_event_is_the_newest_by_stripes_clock(store: Store):
    stored_integration(store)
    stored_event(store, "evt_1", stripe_event_id="evt_1", event_created_at=SOON)
    stored_event(store, "evt_2", stripe_event_id="evt_2", event_created_at=NOW)
    with store.reading() as work:
        assert work.reconciliations.newest_event_at(ACCOUNT) == SOON
        assert work.reconciliations.newest_event_at("acct_2") is None


def paid_invoice(store: Store, number: int, **changes: Any) -> Invoice:
    return stored_invoice(store, status=InvoiceStatus.PAID, sales_order_id=number, **changes)


def claim_unconfirmed(store: Store, now: datetime = NOW, limit: int = 25) -> list[Invoice]:
    with store.writing() as work:
        claimed = work.reconciliations.claim_unconfirmed(now, now + MINUTES, limit)
        work.commit()
    return list(claimed)


def test_paid_invoices_are_sampled_from_never_confirmed_to_confirmed_last(store: Store):
    of = partial(paid_invoice, store)
    late, early = of(1, confirmed_at=SOON), of(2, confirmed_at=NOW)
    never = [of(3).id, of(4).id]
    of(5, confirm_due_at=NOW)
    of(6, stripe_account_id="acct_2")
    stored_invoice(store, status=InvoiceStatus.VOID, sales_order_id=7)

    with store.reading() as work:
        sampled = [
            [each.id for each in work.reconciliations.settled_invoices(ACCOUNT, limit)]
            for limit in (1, 3, 10)
        ]

    assert sampled == [never[:1], [*never, early.id], [*never, early.id, late.id]]


def test_unconfirmed_invoices_are_claimed_longest_due_first_and_again_when_their_lease_ends(store: Store):
    one, two, three = (
        paid_invoice(store, number, confirm_due_at=NOW - timedelta(seconds=number)) for number in (1, 2, 3)
    )
    paid_invoice(store, 4, confirm_due_at=NOW + timedelta(seconds=1))
    paid_invoice(store, 5, confirmed_at=NOW)

    assert [each.id for each in claim_unconfirmed(store, limit=2)] == [two.id, three.id]
    (claimed,) = claim_unconfirmed(store)
    assert claimed == replace(one, confirm_due_at=NOW + MINUTES), "It has its version still."
    assert claim_unconfirmed(store) == []
    assert len(claim_unconfirmed(store, now=NOW + MINUTES)) == 4


def test_simultaneous_claimers_get_different_unconfirmed_invoices(store: Store):
    ids = {paid_invoice(store, number, confirm_due_at=NOW).id for number in range(1, 9)}

    claimed = at_once(4, lambda _: [each.id for each in claim_unconfirmed(store, limit=3)])

    found = [id_ for each in claimed if isinstance(each, list) for id_ in each]
    assert len(found) == len(set(found)), "None was claimed twice."
    assert set(found) | {each.id for each in claim_unconfirmed(store)} == ids


def test_a_claimed_invoice_is_put_off_unless_it_was_saved_since(store: Store):
    for number in (1, 2):
        paid_invoice(store, number, confirm_due_at=NOW)
    put_off, saved = claim_unconfirmed(store)
    with store.writing() as work:
        work.invoices.find(saved.id)
        confirmed = work.invoices.save(saved.confirm(SOON))
        for each in (put_off, saved):
            work.reconciliations.postpone_confirmation(each, NOW + timedelta(hours=1))
        work.commit()

    with store.reading() as work:
        assert work.invoices.find(saved.id) == confirmed
        assert work.invoices.find(put_off.id) == replace(put_off, confirm_due_at=NOW + timedelta(hours=1))


def test_invoices_that_were_contradicted_since_a_time_come_newest_first(store: Store):
    paid_invoice(store, 1, contradicted_at=NOW - timedelta(seconds=1))
    paid_invoice(store, 2)
    first = paid_invoice(store, 3, contradicted_at=SOON)
    second = stored_invoice(store, status=InvoiceStatus.OPEN, sales_order_id=4, contradicted_at=NOW)

    with store.reading() as work:
        assert list(work.reconciliations.contradicted_since(NOW, 10)) == [first, second]
        assert list(work.reconciliations.contradicted_since(NOW, 1)) == [first]

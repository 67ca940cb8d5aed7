"""What every store promises for reconciling."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.reconciliation import Gap
from stripe_bridge.domain.refund import RefundState
from stripe_bridge.domain.webhook_event import EventStatus
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from tests.builders import ACCOUNT, NOW, a_dispute, a_pending_integration, a_refund
from tests.contracts.stored import at_once, settle, stored_event, stored_integration, stored_invoice

SOON = NOW + timedelta(minutes=5)


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

"""What every store promises about the sums by the hour."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stripe_bridge.domain.hourly_sums import HourlySum, Measure, hour_of
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.refund import RefundState
from stripe_bridge.domain.webhook_event import EventStatus, SkipReason
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.builders import (
    NOW,
    TENANT,
    a_payment,
    a_refund,
    a_webhook_event,
    an_event_payload,
)
from tests.contracts.stored import at_once, claim, settle, stored_integration, stored_invoice

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
Sums = dict[tuple[Measure, str, datetime], int]


def sums(store: Store, tenant_id: str | None = TENANT, since: datetime = LONG_AGO) -> Sums:
    with store.reading() as work:
        found = work.totals.by_hour(tenant_id, since)
    return {(each.measure, each.currency, each.hour): each.number for each in found}


def compact(store: Store) -> None:
    with store.writing() as work:
        work.totals.compact()
        work.commit()


def check(store: Store, integration: Integration, expected: Sums) -> None:
    """They are as expected, before and after compacting, and the rows say the same."""
    for _ in range(2):
        assert sums(store) == expected
        with store.reading() as work:
            assert work.totals.errors(integration.id) == []
        compact(store)


def test_a_sent_invoice_counts_in_the_hour_in_which_it_was_made_final_even_if_it_is_sent_again(store: Store):
    invoice = stored_invoice(store)
    saved(store, replace(invoice, status=InvoiceStatus.OPEN, finalized_at=NOW))
    assert sums(store) == {}
    sent = saved(store, replace(again(store, invoice), sent_at=NOW + HOUR))
    saved(store, replace(sent, sent_at=NOW + 5 * HOUR))
    check(store, of(store, invoice), {(Measure.SENT, "", hour_of(NOW)): 1})


def test_money_in_counts_when_it_was_paid_and_no_more_once_stripe_takes_it_back(store: Store):
    invoice = stored_invoice(store)
    payment = a_payment(invoice_id=invoice.id, status="open", amount_paid=0, paid_at=None)
    put(store, payment)
    assert sums(store) == {}
    paid = replace(payment, status="paid", amount_paid=700, paid_at=NOW - HOUR)
    put(store, paid)
    put(store, replace(paid, method="card"))
    other = replace(paid, stripe_id="inpay_2", amount_paid=50, paid_at=NOW)
    put(store, other)
    out_of_band = replace(other, stripe_id="inpay_3", payment_intent_id=None, charge_id=None)
    put(store, out_of_band)
    expected = {
        (Measure.MONEY_IN, invoice.currency, hour_of(NOW - HOUR)): 700,
        (Measure.MONEY_IN, invoice.currency, hour_of(NOW)): 50,
    }
    check(store, of(store, invoice), expected)
    put(store, replace(other, status="canceled"))
    put(store, replace(paid, amount_paid=600))
    check(store, of(store, invoice), {(Measure.MONEY_IN, invoice.currency, hour_of(NOW - HOUR)): 600})


def test_a_refund_counts_while_stripe_has_it_and_did_not_fail(store: Store):
    invoice = stored_invoice(store)
    with store.writing() as work:
        reserved = work.refunds.add(
            a_refund(invoice_id=invoice.id, amount=300, state=RefundState.RESERVED, created_at=NOW)
        )
        work.commit()
    assert sums(store) == {}
    for state, expected in (
        (RefundState.PENDING, 300),
        (RefundState.SUCCEEDED, 300),
        (RefundState.FAILED, None),
    ):
        with store.writing() as work:
            found = work.refunds.find(reserved.id)
            assert found is not None
            work.refunds.save(replace(found, state=state))
            work.commit()
        key = (Measure.REFUNDED, invoice.currency, hour_of(NOW))
        check(store, of(store, invoice), {} if expected is None else {key: expected})


def test_webhooks_count_when_they_arrive_and_applied_events_when_they_were_applied(store: Store):
    integration = stored_integration(store)
    put_events(store, 3, at=NOW - 2 * HOUR)
    webhooks = (Measure.WEBHOOKS, "", hour_of(NOW - 2 * HOUR))
    check(store, integration, {webhooks: 3})
    first, second, third = claim(store)
    with store.writing() as work:
        settle(work, first, first.processed(NOW))
        settle(work, second, second.skipped(SkipReason.UNKNOWN_TYPE, NOW))
        work.commit()
    check(store, integration, {webhooks: 3, (Measure.APPLIED, "", hour_of(NOW)): 1})
    with store.writing() as work:
        work.inbox.requeue(first.id, NOW + HOUR)
        work.commit()
    check(store, integration, {webhooks: 3})
    assert third.status is EventStatus.PROCESSING


def test_only_the_tenants_own_count_and_for_operators_also_what_is_nobodys(store: Store):
    stored_integration(store)
    stored_integration(store, tenant_id="other", account_id="acct_2")
    for account in ("acct_1", "acct_2", "acct_nobodys"):
        put_events(store, 2, account=account)
    for each in claim(store, limit=3):
        with store.writing() as work:
            settle(work, each, each.processed(NOW))
            work.commit()
    key, applied = (Measure.WEBHOOKS, "", hour_of(NOW)), (Measure.APPLIED, "", hour_of(NOW))
    assert sums(store) == {key: 2, applied: 2}
    assert sums(store, "other") == {key: 2, applied: 1}
    assert sums(store, None) == {key: 6, applied: 3}
    assert sums(store, "another") == {}


def test_hours_before_the_one_that_is_asked_for_are_left_out_and_the_others_are_in_order(store: Store):
    stored_integration(store)
    for n in range(4):
        put_events(store, 1, at=NOW - n * HOUR, prefix=f"evt_{n}")
    with store.reading() as work:
        found = work.totals.by_hour(TENANT, hour_of(NOW - 2 * HOUR))
    assert [each.hour for each in found] == [hour_of(NOW - n * HOUR) for n in (2, 1, 0)]
    assert found[0] == HourlySum(
        measure=Measure.WEBHOOKS, currency="", hour=hour_of(NOW - 2 * HOUR), number=1
    )


def test_what_is_rolled_back_is_not_summed_up(store: Store):
    invoice = stored_invoice(store)
    with store.writing() as work:
        work.payments.put(a_payment(invoice_id=invoice.id, status="paid", amount_paid=5, paid_at=NOW))
    assert sums(store) == {}


def test_sums_stay_right_while_many_write_and_compact(store: Store):
    invoice = stored_invoice(store)
    put_events(store, 24)

    def work_on(n: int) -> None:
        while claimed := claim(store, limit=2, lease_until=NOW + HOUR):
            with store.writing() as work:
                for event in claimed:
                    settle(work, event, event.processed(NOW))
                work.commit()
        put(store, a_payment(invoice_id=invoice.id, stripe_id=f"inpay_{n}", amount_paid=10, paid_at=NOW))
        compact(store)

    assert at_once(12, work_on) == [None] * 12
    expected = {
        (Measure.WEBHOOKS, "", hour_of(NOW)): 24,
        (Measure.APPLIED, "", hour_of(NOW)): 24,
        (Measure.MONEY_IN, invoice.currency, hour_of(NOW)): 120,
    }
    check(store, of(store, invoice), expected)


def process_some(store: Store) -> None:
    for n, event in enumerate(claim(store, limit=7)):
        with store.writing() as work:
            settle(work, event, event.processed(NOW + n * HOUR) if n % 3 else event.skipped(SKIPPED, NOW))
            work.commit()


def replay_some(store: Store) -> None:
    with store.writing() as work:
        for event in work.inbox.oldest(None, EventFilter(), 4):
            work.inbox.requeue(event.id, NOW)
        work.commit()


def requeue_skipped(store: Store) -> None:
    with store.writing() as work:
        work.inbox.requeue_skipped("acct_1", NOW, waiting=True)
        work.commit()


SKIPPED = SkipReason.DISCONNECTED
STEPS: list[Callable[[Store], None]] = [process_some, replay_some, requeue_skipped, compact]


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(STEPS), max_size=8))
def test_whatever_happens_to_events_the_sums_are_what_the_rows_say(store: Store, steps):
    with store.reading() as work:
        found = work.integrations.find_by_account("acct_1")
    integration = found or stored_integration(store)
    put_events(store, 12)
    for step in steps:
        step(store)
    with store.reading() as work:
        assert work.totals.errors(integration.id) == []


def put_events(
    store: Store, number: int, *, at: datetime = NOW, account: str = "acct_1", prefix: str = "evt"
) -> None:
    with store.writing() as work:
        for n in range(number):
            payload = an_event_payload(id_=f"{prefix}_{n}")
            work.inbox.store(a_webhook_event(payload=payload, account_id=account, created_at=at, due_at=NOW))
        work.commit()


def put(store: Store, payment) -> None:
    with store.writing() as work:
        work.payments.put(payment)
        work.commit()


def again(store: Store, invoice: Invoice) -> Invoice:
    with store.reading() as work:
        return work.invoices.get(invoice.tenant_id, invoice.id)


def saved(store: Store, invoice: Invoice) -> Invoice:
    with store.writing() as work:
        work.invoices.find(invoice.id)
        changed = work.invoices.save(invoice)
        work.commit()
    return changed


def of(store: Store, invoice: Invoice) -> Integration:
    with store.reading() as work:
        found = work.integrations.find(invoice.integration_id)
    assert found is not None
    return found

"""What every store promises about the totals of its lists."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.domain.webhook_event import EventStatus, SkipReason
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.builders import NOW, TENANT, a_webhook_event, an_event_payload, an_integration
from tests.contracts.stored import at_once, claim, ready_invoice, settle, stored_integration, stored_invoice

FILTERS = [
    EventFilter(),
    EventFilter(integration_id=1),
    EventFilter(integration_id=2),
    *(EventFilter(status=status) for status in EventStatus),
    EventFilter(event_type="invoice.paid"),
    EventFilter(event_type="invoice.sent", status=EventStatus.PROCESSED),
    EventFilter(related_object_id="in_1"),
    EventFilter(account_id="acct_1", status=EventStatus.SKIPPED),
]


def check_events(store: Store) -> None:
    """Every total equals the number of rows found by following cursors."""
    with store.reading() as work:
        for tenant in (TENANT, "other", None):
            for matching in FILTERS:
                total = work.inbox.page(tenant, matching, PageRequest()).total
                assert total == work.inbox.count(tenant, matching), (tenant, matching)


def put_events(store: Store, number: int) -> None:
    for n in range(number):
        with store.writing() as work:
            kind = ("invoice.paid", "invoice.sent", "charge.succeeded")[n % 3]
            account = ("acct_1", "acct_2", "acct_nobodys")[n % 7 % 3]
            event = a_webhook_event(
                payload=an_event_payload(id_=f"evt_{n}"), event_type=kind, account_id=account
            )
            work.inbox.store(event.skipped(SkipReason.UNKNOWN_TYPE, NOW) if n % 5 == 0 else event)
            work.commit()


def settle_some(store: Store) -> None:
    for n, event in enumerate(claim(store, limit=20)):
        outcome = (
            event.processed(NOW),
            event.skipped(SkipReason.DISCONNECTED, NOW),
            event.retry_or_fail("boom", NOW, jitter=0),
            replace(event, status=EventStatus.FAILED),
        )[n % 4]
        with store.writing() as work:
            settle(work, event, outcome)
            work.commit()


def replay_some(store: Store) -> None:
    with store.writing() as work:
        for event in work.inbox.oldest(None, EventFilter(), 8):
            work.inbox.requeue(event.id, NOW)
        work.commit()


def requeue_skipped(store: Store) -> None:
    with store.writing() as work:
        work.inbox.requeue_skipped("acct_1", NOW, waiting=True)
        work.commit()


def compact(store: Store) -> None:
    with store.writing() as work:
        work.totals.compact()
        work.commit()


STEPS: list[Callable[[Store], None]] = [settle_some, replay_some, requeue_skipped, compact]


@pytest.fixture
def shops(store: Store) -> None:
    stored_integration(store)
    stored_integration(store, tenant_id="other", account_id="acct_2")


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(STEPS), max_size=8))
@pytest.mark.usefixtures("shops")
def test_whatever_happens_to_events_their_totals_are_what_is_there(store: Store, steps):
    put_events(store, 30)
    for step in steps:
        step(store)
    check_events(store)


def test_an_event_that_gets_an_owner_is_counted_there(store: Store):
    put_events(store, 6)
    while claimed := claim(store):
        with store.writing() as work:
            for event in claimed:
                settle(work, event, event.skipped(SkipReason.NO_INTEGRATION, NOW))
            work.commit()
    check_events(store)
    stored_integration(store)
    requeue_skipped(store)
    settle_some(store)
    check_events(store)


def test_invoices_are_counted_by_what_they_are_now(store: Store):
    for n, status in enumerate(InvoiceStatus):
        invoice = stored_invoice(store, sales_order_id=n + 1, status=status)
    with store.writing() as work:
        work.invoices.find(invoice.id)
        work.invoices.save(replace(invoice, status=InvoiceStatus.VOID))
        work.commit()
    compact(store)
    with store.writing() as work:
        # What is rolled back is not counted.
        work.invoices.add(replace(invoice, id=0, sales_order_id=1, status=InvoiceStatus.VOID))
    with store.reading() as work:
        for status in (None, *InvoiceStatus):
            page = work.invoices.page(TENANT, invoice.integration_id, status, PageRequest(per_page=100))
            if status is not InvoiceStatus.ABANDONED:
                assert page.total == len(page.items), status


def test_totals_stay_right_while_many_write_and_compact(store: Store):
    integration = stored_integration(store)
    ready = [ready_invoice(store, sales_order_id=n) for n in range(1, 25)]

    def work_on(n: int) -> None:
        with store.writing() as work:
            invoice = work.invoices.add(ready[n])
            work.invoices.find(invoice.id)
            work.invoices.save(replace(invoice, status=InvoiceStatus.OPEN))
            work.commit()
        compact(store)

    assert at_once(24, work_on) == [None] * 24
    with store.reading() as work:
        for status, number in ((InvoiceStatus.OPEN, 24), (InvoiceStatus.DRAFT, 0), (None, 24)):
            assert work.invoices.page(TENANT, integration.id, status, PageRequest()).total == number
        assert work.totals.errors(integration.id) == []


def test_an_integration_of_another_tenant_is_not_counted_in(store: Store):
    stored_invoice(store)
    with store.writing() as work:
        empty = work.integrations.add(an_integration(account_id="acct_empty"))
        work.commit()
    with store.reading() as work:
        assert work.invoices.page(TENANT, empty.id, None, PageRequest()).total == 0

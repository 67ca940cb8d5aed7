"""Wrong totals are corrected."""

import threading
from datetime import timedelta

import pytest
from alembic import command
from sqlalchemy import Engine, text

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.adapters.database.engine import autocommit
from stripe_bridge.adapters.database.migrations_runner import migrate, migrating
from stripe_bridge.domain.hourly_sums import Measure
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.domain.refund import RefundState
from stripe_bridge.domain.webhook_event import SkipReason
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.use_cases.reconciliation.totals import CompactTotals, VerifyTotals
from tests.builders import NOW, TENANT, a_payment, a_refund, a_webhook_event, an_event_payload
from tests.contracts.stored import claim, settle, stored_event, stored_invoice
from tests.waiting import wait_until


@pytest.mark.parametrize("is_compacted", [False, True])
def test_a_total_that_went_wrong_is_set_right_by_a_recount(database_url: str, is_compacted: bool):
    engine = create_engine(database_url)
    store = SqlStore(engine)
    integration_id = stored_invoice(store).integration_id
    stored_event(store)
    (event,) = claim(store)
    with store.writing() as work:
        settle(work, event, event.skipped(SkipReason.FOREIGN_OBJECT, NOW))
        work.commit()
    if is_compacted:
        assert changes_of(engine) == 2
        assert not CompactTotals(store)()
        assert changes_of(engine) == 0
    assert VerifyTotals(store)(integration_id) == 0
    with engine.begin() as connection:
        for kind in ("event", "invoice"):
            connection.execute(text(f"UPDATE {kind}_counts SET number = number + 7"))
            connection.execute(text(f"DELETE FROM {kind}_count_changes"))

    assert VerifyTotals(store)(integration_id) == 2

    assert VerifyTotals(store)(integration_id) == 0
    with store.reading() as work:
        assert work.inbox.page(TENANT, EventFilter(), PageRequest()).total == 1
        assert work.invoices.page(TENANT, integration_id, None, PageRequest()).total == 1
    store.close()


def changes_of(engine: Engine) -> int:
    """How many changes are not yet added to the totals."""
    with engine.connect() as connection:
        numbers = [
            connection.execute(text(f"SELECT count(*) FROM {kind}_count_changes")).scalar_one()
            for kind in ("event", "invoice")
        ]
    return sum(numbers)


def test_compacting_goes_on_while_more_than_a_batch_is_left_and_not_for_what_comes_meanwhile(
    database_url: str,
):
    engine = create_engine(database_url)
    store = SqlStore(engine)
    changes = text(
        "INSERT INTO invoice_count_changes (integration_id, status, number) "
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10001) "
        "SELECT 1, 'paid', 1 FROM numbers"
    )
    with engine.begin() as connection:
        connection.execute(changes)
    assert [CompactTotals(store)() for _ in range(2)] == [True, False]
    with engine.connect() as connection:
        assert connection.execute(text("SELECT number FROM invoice_counts")).scalars().all() == [10_001]
    store.close()


def test_what_is_applied_while_the_migration_counts_is_counted(postgres_url: str):
    with migrating(postgres_url) as config:
        command.downgrade(config, "0001")
    engine = create_engine(postgres_url)
    store = SqlStore(engine)
    with store.writing() as work:
        work.inbox.store(a_webhook_event(payload=an_event_payload()))
        work.commit()
    skip = text("UPDATE webhook_events SET status = 'skipped'")
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = CAST(:table AS regclass)")

    def skipped() -> None:
        with engine.begin() as connection:
            connection.execute(skip)

    with engine.connect() as holder, autocommit(engine).connect() as looking:
        # Between counting the events and installing their triggers, the migration counts the invoices.
        holder.execute(text("LOCK TABLE invoices"))
        both = [threading.Thread(target=migrate, args=[postgres_url]), threading.Thread(target=skipped)]
        both[0].start()
        wait_until(lambda: looking.execute(waiting, {"table": "invoices"}).scalar())
        both[1].start()
        wait_until(
            lambda: not both[1].is_alive() or looking.execute(waiting, {"table": "webhook_events"}).scalar()
        )
        holder.rollback()
        for each in both:
            each.join()
    with store.reading() as work:
        assert work.inbox.page(None, EventFilter(), PageRequest()).total == 1
    store.close()


def test_hours_from_before_the_sums_were_kept_are_added_up_by_a_recount(database_url: str):
    """As if everything had been there when the upgrade came."""
    engine = create_engine(database_url)
    store = SqlStore(engine)
    invoice = stored_invoice(store, finalized_at=NOW, sent_at=NOW)
    stored_event(store)
    (event,) = claim(store)
    with store.writing() as work:
        settle(work, event, event.processed(NOW))
        work.payments.put(a_payment(invoice_id=invoice.id, amount_paid=700))
        work.refunds.add(a_refund(invoice_id=invoice.id, amount=200, state=RefundState.SUCCEEDED))
        work.commit()
    with store.reading() as work:
        expected = list(work.totals.by_hour(TENANT, NOW - timedelta(hours=1)))
    assert {each.measure for each in expected} == set(Measure)
    with engine.begin() as connection:
        for table in ("hourly_sums", "hourly_sum_changes"):
            connection.execute(text(f"DELETE FROM {table}"))

    assert VerifyTotals(store)(invoice.integration_id) == 0

    for _ in range(2):
        with store.reading() as work:
            assert work.totals.by_hour(TENANT, NOW - timedelta(hours=1)) == expected
        CompactTotals(store)()
    store.close()

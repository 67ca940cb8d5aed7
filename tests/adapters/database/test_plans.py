"""No statement reads a whole table: each one uses an index."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.adapters.database.identity_map import INVOICES
from stripe_bridge.adapters.database.repositories.intents import INTENTS
from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.intent import IntentState, Operation
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.paging import PageRequest, Update
from stripe_bridge.domain.payment_status import PaymentStatus
from stripe_bridge.domain.webhook_event import EventStatus
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.ports.storage.intents import IntentFilter
from stripe_bridge.ports.storage.invoicing import InvoiceFilter, InvoiceSearch
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from tests.builders import (
    ACCOUNT,
    NOW,
    TENANT,
    a_customer_key,
    a_delivery,
    a_dispute,
    a_payment,
    a_subscriber,
    a_webhook_event,
    an_intent,
)
from tests.contracts.stored import stored_intent, stored_invoice


def requeued(work: UnitOfWork) -> None:
    work.inbox.store(a_webhook_event())
    work.inbox.requeue(1, NOW)


def payloads_left(work: UnitOfWork) -> None:
    """An event that forgetting passed by while it was waiting, and that then finished."""
    work.inbox.store(a_webhook_event())
    later = NOW + timedelta(days=1)
    while work.inbox.purge_payloads(later, 100):
        pass
    taken = work.inbox.lock_due(later, later, 100)
    work.inbox.settle_locked([event.processed(later) for event in taken])
    work.inbox.purge_payloads(later, 100)


def listed(work: UnitOfWork, matching: InvoiceFilter, request: PageRequest) -> None:
    work.invoices.page_of_tenant(TENANT, matching, request)


# Each with the index that has to lead.
SEARCHES: dict[str, tuple[dict[str, Any], str]] = {
    "everything": ({}, "ix_invoices_tenant "),
    "paid": ({"status": InvoiceStatus.PAID}, "ix_invoices_tenant "),
    "open": ({"status": InvoiceStatus.OPEN}, "ix_invoices_tenant_status "),
    "being paid": ({"payment_status": PaymentStatus.PENDING}, "ix_invoices_paying "),
    "nobody pays": ({"payment_status": PaymentStatus.NONE}, "ix_invoices_tenant "),
    "of integration": ({"integration_id": 1}, "ix_invoices_integration "),
    "of integration, paid": (
        {"integration_id": 1, "status": InvoiceStatus.PAID},
        "ix_invoices_integration_status ",
    ),
    "dated": ({"created_from": NOW, "created_before": NOW}, "ix_invoices_tenant_created_at "),
    "dated, open": ({"created_from": NOW, "status": InvoiceStatus.OPEN}, "ix_invoices_tenant_created_at "),
    "by number": ({"number": "ACME"}, "ix_invoices_tenant_number "),
    "by stripe id": ({"stripe_id": "in_1", "status": InvoiceStatus.OPEN}, "sqlite_autoindex_links_1 "),
    "of customers": ({"customer_ids": (1, 2)}, "ix_invoices_customer "),
    "of orders": ({"sales_order_ids": (501, 502)}, "ix_invoices_order "),
}


def searched(**wanted: Any) -> Callable[[UnitOfWork], Any]:
    """A search for these, and for what no index has."""
    return lambda work: work.invoices.search(TENANT, InvoiceSearch(**wanted), PageRequest(before_id=1))


CURSOR = PageRequest(before_id=50)
CALLS: dict[str, Callable[[UnitOfWork], Any]] = {
    "subscriber": lambda work: work.subscribers.find(1, lock=True),
    "subscribers of a tenant": lambda work: work.subscribers.of_tenant(TENANT),
    "subscribers that are due": lambda work: work.subscribers.due(NOW, 10),
    "subscriber claimed": lambda work: work.subscribers.claim(1, "lease", NOW, NOW),
    "delivery added": lambda work: work.subscribers.add_delivery(
        a_delivery(subscriber_id=work.subscribers.add(a_subscriber()).id)
    ),
    "deliveries": lambda work: work.subscribers.deliveries(1),
    "token by hash": lambda work: work.tokens.find_by_hash("abc"),
    "state by hash": lambda work: work.oauth_states.find("abc"),
    "state by confirmation": lambda work: work.oauth_states.find_by_confirmation("abc"),
    "integration": lambda work: work.integrations.get(TENANT, 1, lock=True),
    "integration by account": lambda work: work.integrations.find_by_account(ACCOUNT),
    "integration names": lambda work: work.integrations.names_of([1, 2]),
    "integrations": lambda work: work.integrations.page(TENANT, CURSOR),
    "integration saved": lambda work: work.integrations.save(work.integrations.get(TENANT, 1)),
    "order": lambda work: work.sales_orders.get(TENANT, 501),
    "customer": lambda work: work.customers.get_or_add(a_customer_key()),
    "customer known": lambda work: work.customers.is_known(ACCOUNT, "cus_1"),
    "invoice": lambda work: work.invoices.get(TENANT, 1),
    "of order": lambda work: work.invoices.of_order(TENANT, 501),
    "waiting for customer": lambda work: work.invoices.reserved_for_customer(1),
    "other account": lambda work: work.invoices.has_other_account(1, ACCOUNT),
    "overdue invoices": lambda work: work.invoices.overdue(NOW, 10),
    "invoices": lambda work: work.invoices.page(TENANT, 1, None, CURSOR),
    "invoices by number": lambda work: work.invoices.page(TENANT, 1, None, PageRequest()),
    "invoices by status": lambda work: work.invoices.page(TENANT, 1, InvoiceStatus.PAID, CURSOR),
    "invoices of tenant": lambda work: listed(work, InvoiceFilter(), CURSOR),
    "invoices of tenant by number": lambda work: listed(work, InvoiceFilter(), PageRequest()),
    "paid invoices of tenant": lambda work: listed(work, InvoiceFilter(status=InvoiceStatus.PAID), CURSOR),
    "open invoices of tenant": lambda work: listed(work, InvoiceFilter(status=InvoiceStatus.OPEN), CURSOR),
    "invoices updated since": lambda work: listed(work, InvoiceFilter(updated_since=NOW), PageRequest()),
    "invoices updated after": lambda work: listed(
        work, InvoiceFilter(updated_since=NOW), PageRequest(after=Update(NOW, 7))
    ),
    "invoice by number": lambda work: listed(work, InvoiceFilter(number="ACME-0001"), PageRequest()),
    "invoice by stripe id": lambda work: listed(work, InvoiceFilter(stripe_invoice_id="in_1"), CURSOR),
    "invoice by charge": lambda work: listed(work, InvoiceFilter(stripe_charge_id="ch_1"), CURSOR),
    "orders": lambda work: work.sales_orders.search(TENANT, None, CURSOR),
    "orders by number": lambda work: work.sales_orders.search(TENANT, "SO-", PageRequest(before_id=501)),
    "order ids by number": lambda work: work.sales_orders.ids_of_number(TENANT, "SO-501", 10),
    "customers by email": lambda work: work.customers.ids_by_email(TENANT, "ja", 10),
    "invoices of orders": lambda work: work.invoices.of_orders(TENANT, [501, 502]),
    "intents on invoice": lambda work: work.intents.of_invoice(1, 50),
    "intents by reference": lambda work: work.intents.with_references(["a", "b"]),
    **{f"search, {name}": searched(**wanted) for name, (wanted, _) in SEARCHES.items()},
    "payments of many": lambda work: work.payments.of_invoices([1, 2]),
    "refunds of many": lambda work: work.refunds.of_invoices([1, 2]),
    "disputes of many": lambda work: work.disputes.of_invoices([1, 2]),
    "invoice saved": lambda work: work.invoices.save(work.invoices.get(TENANT, 1)),
    "link": lambda work: work.links.find_invoice_id(ACCOUNT, "pi_1"),
    "links": lambda work: work.links.of_invoice(1),
    "payment": lambda work: work.payments.find(ACCOUNT, "pi_1"),
    "payments": lambda work: work.payments.of_invoice(1),
    "payment put": lambda work: work.payments.put(a_payment()),
    "refund by stripe id": lambda work: work.refunds.find_by_stripe_id(ACCOUNT, "re_1"),
    "refund by reference": lambda work: work.refunds.find_by_reference("abc"),
    "refunds": lambda work: work.refunds.of_invoice(1),
    "dispute": lambda work: work.disputes.find(ACCOUNT, "dp_1"),
    "disputes": lambda work: work.disputes.of_invoice(1),
    "dispute put": lambda work: work.disputes.put(a_dispute()),
    "intent": lambda work: work.intents.find(1),
    "intent of subject": lambda work: work.intents.find_unsettled("invoice:1"),
    "intents of invoice": lambda work: work.intents.is_unsettled_for(1),
    "intents in account": lambda work: work.intents.unsettled_in_account(ACCOUNT),
    "intents of integration": lambda work: work.intents.unsettled_of_integration(1),
    "due intents": lambda work: work.intents.due(NOW, 10),
    "failed intents": lambda work: work.intents.page(
        IntentFilter(states=frozenset({IntentState.FAILED}), operations=frozenset({Operation.VOID})),
        PageRequest(),
    ),
    "intent added": lambda work: work.intents.add(an_intent(subject="another")),
    "event stored": lambda work: work.inbox.store(a_webhook_event()),
    "newest event id": lambda work: work.inbox.newest_id(),
    "events claimed": lambda work: work.inbox.claim(NOW, NOW + timedelta(seconds=60), 10),
    "due events locked": lambda work: work.inbox.lock_due(NOW, NOW + timedelta(seconds=60), 10),
    "event settled": lambda work: work.inbox.settle(NOW, [a_webhook_event().processed(NOW)]),
    "claimed events locked": lambda work: work.inbox.lock_claimed(
        NOW, [a_webhook_event(id=1), a_webhook_event(id=2)]
    ),
    "event requeued": requeued,
    "payloads purged": lambda work: work.inbox.purge_payloads(NOW + timedelta(days=1), 1),
    "payloads left": payloads_left,
    "events": lambda work: work.inbox.page(TENANT, EventFilter(), CURSOR),
    "events of integration": lambda work: work.inbox.page(TENANT, EventFilter(integration_id=1), CURSOR),
    "events by status": lambda work: work.inbox.page(TENANT, EventFilter(status=EventStatus.FAILED), CURSOR),
    "events by type": lambda work: work.inbox.page(TENANT, EventFilter(event_type="invoice.paid"), CURSOR),
    "events by object": lambda work: work.inbox.page(TENANT, EventFilter(related_object_id="in_1"), CURSOR),
    "reconciling claimed": lambda work: work.reconciliations.claim(NOW, NOW + timedelta(minutes=5)),
    "reconciling put off": lambda work: work.reconciliations.postpone(1, NOW),
    "unfinished invoices": lambda work: work.reconciliations.invoices(ACCOUNT, 0, 100),
    "settled invoices": lambda work: work.reconciliations.settled_invoices(ACCOUNT, 25),
    "unconfirmed claimed": lambda work: work.reconciliations.claim_unconfirmed(NOW, NOW, 25),
    "confirmation postponed": lambda work: work.reconciliations.postpone_confirmation(
        work.invoices.get(TENANT, 1), NOW
    ),
    "contradicted invoices": lambda work: work.reconciliations.contradicted_since(NOW, 10),
    "undecided refunds": lambda work: work.reconciliations.refunds(ACCOUNT, 0, 100),
    "ongoing disputes": lambda work: work.reconciliations.disputes(ACCOUNT, "", 100),
    "newest event": lambda work: work.reconciliations.newest_event_at(ACCOUNT),
    "prefetched": lambda work: work.prefetch([(ACCOUNT, "in_1"), (ACCOUNT, "pi_1")]),
    "invoice locked": lambda work: work.invoices.lock(1),
    "settled invoice": lambda work: work.invoices.find_settled(1),
    "entries": lambda work: work.audit.entries(TENANT, 2, 10),
    "latest entries": lambda work: work.audit.latest(TENANT, 9, 10),
    "latest entries of some types": lambda work: work.audit.latest(
        TENANT, 900, 10, after=1, types=frozenset({ChangeType.TOKEN_CREATED})
    ),
    "latest of order": lambda work: work.audit.latest(TENANT, 9, 10, sales_order_id=501),
    "purges": lambda work: work.audit.purges(TENANT),
    "objects of orders": lambda work: work.audit.objects_of_orders(TENANT, 0, 10),
    "old objects purged": lambda work: work.purging.purge_before(TENANT, NOW + timedelta(days=9999), 10),
    "objects of order purged": lambda work: work.purging.purge_orders(TENANT, [501]),
    "payloads emptied": lambda work: work.purging.empty_payloads(TENANT, [501]),
    "events by number": lambda work: work.inbox.page(TENANT, EventFilter(), PageRequest()),
    "gap": lambda work: work.reconciliations.gap(1),
    "gap noted": lambda work: work.reconciliations.save_gap(1, None),
    "events overdue": lambda work: work.reconciliations.overdue_events(NOW),
    "reconciling measured": lambda work: work.reconciliations.reconciled_until(),
    "inbox measured": lambda work: work.inbox.backlog(),
    "intents measured": lambda work: work.intents.backlog(),
    "ends of logs": lambda work: work.changes.heads([TENANT, "other"]),
    "page of changes": lambda work: work.changes.page(TENANT, 10, 100),
    "page of some changes": lambda work: work.changes.page(
        TENANT, 10, 100, up_to=5000, types=frozenset({ChangeType.INVOICE_PAID})
    ),
    "changes of order": lambda work: work.changes.page(TENANT, 10, 100, sales_order_id=501),
    "last change of order": lambda work: work.changes.last_of_order(TENANT, 501),
    "log begun": lambda work: work.changes.begin_log(TENANT),
    "sums by the hour": lambda work: work.totals.by_hour(TENANT, NOW),
    "sums by the hour of all": lambda work: work.totals.by_hour(None, NOW),
    "inbox of a tenant measured": lambda work: work.inbox.backlog(TENANT),
    "intents of a tenant measured": lambda work: work.intents.backlog(TENANT),
    "events for objects": lambda work: work.inbox.for_objects(TENANT, ["in_1", "pi_1"]),
}
# Few rows, so sorting them is cheap.
MAY_SORT = {
    "events for objects",
    "objects of orders",
    "unfinished",
    "inbox measured",
    "intents measured",
    "inbox of a tenant measured",
    "intents of a tenant measured",
    "sums by the hour",
    "sums by the hour of all",
    "events overdue",
    "subscribers of a tenant",
    "subscribers that are due",
    # The one invoice that has an id of Stripe's: SQLite 3.46 sorts it.
    "invoice by stripe id",
    "invoice by charge",
    # At most a page's worth of examined invoices, by their ids; the index that led to these has the order.
    "search, dated",
    "search, dated, open",
    "search, by number",
    # A few orders', or customers'.
    "search, by stripe id",
    "search, of customers",
    "search, of orders",
}
# Partial indexes, which only contain what is waiting, or enabled.
OF_WHAT_WAITS = (
    "ix_webhook_events_due",
    "ix_webhook_events_failed",
    "ix_intents_due",
    "ix_intents_failed",
    "uq_intents_unsettled",
    "ix_subscribers_enabled",
)
# The changes of a few seconds that are not compacted yet; the totals; and totals by status, which are few.
SUMS = (
    "SCAN invoice_count_changes",
    "SCAN event_count_changes",
    "SCAN event_counts",
    "SCAN hourly_sum_changes",
    "SCAN (subquery",
)
# What a statement has found so far.
PARTS = "SCAN anon_"
# One row; and the few old events that are not finished.
OF_FORGETTING = ("SCAN forgotten_payloads", "SCAN payloads_left")
# All of them, of an index alone.
ALL_INTEGRATIONS = "SCAN integrations USING COVERING INDEX"
# The values that a statement is given.
COLUMNS = "SCAN json_each"


@pytest.fixture
def store(sqlite_url: str) -> Iterator[SqlStore]:
    store = SqlStore(create_engine(sqlite_url))
    stored_invoice(store, number="ACME-0001")
    stored_intent(store)
    yield store
    store.close()


def steps_of(store: SqlStore, name: str) -> list[str]:
    """The plan of every statement of a call."""
    asked: list[tuple[str, Any]] = []

    def note(_connection, _cursor, statement, parameters, _context, _many) -> None:
        if not statement.startswith(("PRAGMA", "BEGIN", "SAVEPOINT", "RELEASE", "EXPLAIN")):
            asked.append((statement, parameters))

    with store.writing() as work:
        event.listen(work._connection, "before_cursor_execute", note)
        CALLS[name](work)
        assert asked
        return [
            row[3]
            for statement, parameters in asked
            for row in work._connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]


@pytest.mark.parametrize("name", CALLS)
def test_every_statement_uses_an_index(store: SqlStore, name: str):
    steps = steps_of(store, name)
    assert not [
        step
        for step in steps
        if step.startswith("SCAN")
        and step not in ("SCAN CONSTANT ROW", "SCAN due", "SCAN one", "SCAN due LEFT-JOIN")
        and not step.startswith((*SUMS, *OF_FORGETTING, ALL_INTEGRATIONS, COLUMNS, PARTS))
        and not step.endswith(OF_WHAT_WAITS)
    ]
    assert name in MAY_SORT or not [step for step in steps if "TEMP B-TREE" in step]


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_is_led_by_the_index_for_it(store: SqlStore, name: str):
    assert any(SEARCHES[name][1] in step for step in steps_of(store, f"search, {name}"))


def test_every_index_of_invoices_and_intents_is_the_one_that_some_statement_uses(store: SqlStore):
    """They are written all the time: an index whose statements another one serves as well is not worth keeping."""
    steps = {f"{step} " for name in CALLS for step in steps_of(store, name)}
    # The unique ones are rules.
    indexes = [
        index.name for table in (INVOICES.table, INTENTS.table) for index in table.indexes if not index.unique
    ]
    assert not [name for name in indexes if not any(f"INDEX {name} " in step for step in steps)]

"""What every store promises to those who check and purge the change log."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.changes.purging import Purge, purged
from stripe_bridge.domain.changes.recorder import LogState
from stripe_bridge.domain.changes.verification import FaultKind, LogCheck, Position, compare, follow
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.origin import SERVICE
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.builders import NOW, TENANT, a_dispute, a_refund, a_token, a_webhook_event, an_event_payload
from tests.contracts.storage.test_changes import entries
from tests.contracts.stored import claim, stored_integration, stored_invoice, stored_order

ORDER = 501


def a_log(store: Store) -> int:
    """Of one of everything; returns the number of its entries."""
    invoice = stored_invoice(store, status=InvoiceStatus.PAID, sales_order_id=ORDER)
    with store.writing() as work:
        work.refunds.add(a_refund(invoice_id=invoice.id))
        work.disputes.put(a_dispute(invoice_id=invoice.id, version=1))
        work.tokens.add(a_token())
        work.commit()
    return len(entries(store))


def later(days: int = 1) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def test_entries_are_read_as_they_were_written(store: Store):
    length = a_log(store)
    with store.reading() as work:
        stored = work.audit.entries(TENANT, 0, 100)
        assert [each.sequence for each in stored] == list(range(1, length + 1))
        assert [each.sequence for each in work.audit.entries(TENANT, 2, 2)] == [3, 4]
        assert [each.sequence for each in work.audit.latest(TENANT, length, 2)] == [length - 1, length - 2]
        between = work.audit.latest(TENANT, length, 9, after=length - 3)
        of_type = work.audit.latest(TENANT, 99, 9, types=frozenset({ChangeType.TOKEN_CREATED}))
        of_order = work.audit.latest(TENANT, 99, 99, sales_order_id=ORDER)
    assert [each.shown() for each in stored] == [each.shown() for each in entries(store)]
    assert [each.sequence for each in between] == [length - 1, length - 2]
    assert [each.type for each in of_type] == ["token.created"]
    assert {each.sales_order_id for each in of_order} == {ORDER}
    reached, fault = follow(Position(), stored)
    assert (reached, fault) == (Position(length, stored[-1].hash), None)


def test_every_tenant_with_a_log_is_named(store: Store):
    stored_integration(store, tenant_id="other", account_id="acct_2")
    stored_integration(store)
    with store.reading() as work:
        assert work.audit.tenants() == sorted([TENANT, "other"])


def test_objects_come_with_their_newest_entries(store: Store):
    a_log(store)
    stored_order(store, id=ORDER + 1)
    with store.reading() as work:
        first, last = work.audit.objects_of_orders(TENANT, 0, 1)
        second, last_of_all = work.audit.objects_of_orders(TENANT, ORDER, 1)
        assert work.audit.objects_of_orders(TENANT, ORDER + 1, 1) == ([], None)
        standing = work.audit.objects_of_no_order(TENANT)
    assert (last, last_of_all) == (ORDER, ORDER + 1)
    assert sorted(each.subject_type for each in first) == ["dispute", "invoice", "refund", "sales_order"]
    assert [each.subject_type for each in second] == ["sales_order"]
    assert sorted(each.subject_type for each in standing) == ["integration", "token"]
    for each in (*first, *second, *standing):
        assert each.entry is not None
        assert each.value is not None
        assert each.state is LogState.CURRENT
        assert compare(each) is None


def test_only_the_oldest_that_are_old_enough_lose_their_objects(store: Store):
    length = a_log(store)
    with store.writing() as work:
        assert work.purging.purge_before(TENANT, later(-1), 99) is None
        assert work.purging.purge_before("nobody", later(), 99) is None
        purge = work.purging.purge_before(TENANT, later(), 3)
        work.commit()
    assert purge == Purge(count=3, first=1, last=3)
    assert [each.content is None for each in entries(store)] == [True] * 3 + [False] * (length - 3)
    assert [each.salt is None for each in entries(store)] == [True] * 3 + [False] * (length - 3)
    with store.reading() as work:
        head = work.changes.head(TENANT)
    assert head is not None
    assert head.oldest == 4


def test_entries_that_only_say_what_was_purged_wait_for_others(store: Store):
    length = a_log(store)
    for _ in range(2):
        with store.writing() as work:
            purge = work.purging.purge_before(TENANT, later(), 99)
            if purge is not None:
                work.acts.add(purged(TENANT, purge, SERVICE))
            work.commit()
    assert len(entries(store)) == length + 1
    with store.reading() as work:
        assert work.audit.purges(TENANT) == [Purge(count=length, first=1, last=length)]


def test_an_order_loses_all_its_objects_and_no_other_does(store: Store):
    a_log(store)
    stored_order(store, id=ORDER + 1)
    with store.writing() as work:
        purge = work.purging.purge_orders(TENANT, [ORDER])
        assert purge is not None
        work.acts.add(purged(TENANT, purge, SERVICE))
        work.commit()
    for each in entries(store):
        assert (each.content is None) is (each.sales_order_id == ORDER)
        assert (each.salt is None) is (each.sales_order_id == ORDER)
    with store.writing() as work:
        assert work.purging.purge_orders(TENANT, [ORDER]) is None
        assert work.audit.purges(TENANT) == [purge]
    last = entries(store)[-1].shown()
    assert (last["type"], last["count"], last["sales_order_ids"]) == ("changes.purged", purge.count, [ORDER])


def test_a_customers_orders_are_those_that_are_his_and_those_that_were_billed_to_him(store: Store):
    invoice = stored_invoice(store, sales_order_id=ORDER)
    with store.reading() as work:
        erp_id = work.customers.get(invoice.customer_id).key.erp_customer_id
    other = stored_order(store, id=ORDER + 1)
    assert other.customer.id == erp_id
    with store.writing() as work:
        # Now somebody else's, but billed to the first.
        order = work.sales_orders.get(TENANT, ORDER)
        customer = replace(order.customer, id=erp_id + 1)
        newer = order.source_updated_at + timedelta(days=1)
        work.sales_orders.save(replace(order, customer=customer, source_updated_at=newer))
        work.commit()
    with store.reading() as work:
        assert work.purging.orders_of_customer(erp_id, None) == [(TENANT, ORDER), (TENANT, ORDER + 1)]
        assert work.purging.orders_of_customer(erp_id + 1, TENANT) == [(TENANT, ORDER)]
        assert work.purging.orders_of_customer(erp_id, "other") == []


def test_payloads_of_finished_events_about_an_orders_objects_are_emptied(store: Store):
    invoice = stored_invoice(store, sales_order_id=ORDER, stripe_invoice_id="in_1")
    with store.writing() as work:
        work.links.add(invoice.stripe_account_id, invoice.id, ["in_1"])
        for id_, about in (("evt_1", "in_1"), ("evt_2", "in_2")):
            payload = an_event_payload(id_=id_, object_={"id": about, "object": "invoice"})
            assert work.inbox.store(a_webhook_event(payload=payload))
        work.commit()
    with store.writing() as work:
        assert work.purging.empty_payloads(TENANT, [ORDER]) == 0, "They have yet to be applied."
        work.commit()
    events = claim(store)
    with store.writing() as work:
        work.inbox.settle(NOW, [event.processed(NOW) for event in events])
        work.commit()
    with store.writing() as work:
        assert work.purging.empty_payloads(TENANT, [ORDER + 1]) == 0
        assert work.purging.empty_payloads(TENANT, [ORDER]) == 1
        assert work.purging.empty_payloads(TENANT, [ORDER]) == 0
        work.commit()
    ids = {event.stripe_event_id: event.id for event in events}
    with store.reading() as work:
        assert work.inbox.payload(TENANT, ids["evt_2"])
        assert not work.inbox.payload(TENANT, ids["evt_1"])


def test_how_far_a_log_was_checked_is_kept(store: Store):
    check = LogCheck(tenant_id=TENANT, checked_at=NOW, sequence=3, hash="a" * 64, order_id=7)
    found = replace(
        check, fault_kind=FaultKind.MISSING, fault_sequence=4, fault_what="gone", completed_at=NOW
    )
    for each in (check, found):
        with store.writing() as work:
            work.audit.save_check(each)
            work.commit()
        with store.reading() as work:
            assert work.audit.checks() == [each]


def test_what_is_purged_leaves_the_chain_whole(store: Store):
    length = a_log(store)
    before = [(each.signed, each.hash) for each in entries(store)]
    with store.writing() as work:
        work.purging.purge_before(TENANT, later(), 99)
        work.commit()
    assert [(each.signed, each.hash) for each in entries(store)] == before
    assert json.loads(before[-1][0])["sequence"] == length
    with store.writing() as work:
        work.tokens.add(a_token(token_hash="other"))
        work.commit()
    with store.reading() as work:
        assert follow(Position(), work.audit.entries(TENANT, 0, 99))[1] is None

"""What every store promises about the change log."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stripe_bridge.domain.changes.change import NO_TENANT, Change, ChangeType, SubjectType
from stripe_bridge.domain.changes.entry import GENESIS, Entry, chain, digest
from stripe_bridge.domain.changes.recorder import NotRead
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.origin import SERVICE, Actor, ActorType, Origin, by_stripe
from stripe_bridge.domain.refund import RefundState
from stripe_bridge.ports.origin import acting_as
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.builders import ACCOUNT, NOW, TENANT, a_dispute, a_refund, a_token, an_integration, an_intent
from tests.contracts.stored import stored_integration, stored_invoice, stored_order


def entries(store: Store, tenant_id: str = TENANT) -> Sequence[Entry]:
    with store.reading() as work:
        return work.changes.page(tenant_id, 0, 1000)


def names(store: Store, tenant_id: str = TENANT) -> list[str]:
    return [entry.type.value for entry in entries(store, tenant_id)]


def assert_whole(store: Store, tenant_id: str = TENANT) -> None:
    """Without a gap, each chained to the one before, up to the head."""
    previous, found = GENESIS, entries(store, tenant_id)
    for sequence, entry in enumerate(found, start=1):
        assert entry.sequence == sequence == json.loads(entry.signed)["sequence"]
        assert entry.content is not None
        assert entry.salt is not None
        assert json.loads(entry.signed)["object_digest"] == digest(entry.salt, entry.content)
        assert entry.hash == chain(previous, entry.signed)
        previous = entry.hash
    with store.reading() as work:
        head = work.changes.head(tenant_id)
    assert head is not None
    assert (head.sequence, head.hash) == (len(found), previous)


def test_what_is_added_and_saved_is_recorded_in_the_same_commit(store: Store):
    invoice = stored_invoice(store)
    with store.writing() as work:
        work.invoices.find(invoice.id)
        opened = replace(invoice, status=InvoiceStatus.OPEN, number="A-1", amount_remaining=invoice.amount)
        work.invoices.save(opened)
        work.commit()
    assert names(store) == [
        "integration.created",
        "sales_order.created",
        "invoice.created",
        "invoice.updated",
    ]
    last = entries(store)[-1].shown()
    assert last["object"]["status"] == "open"
    assert last["changed"] == {"number": [None, "A-1"], "status": ["draft", "open"]}
    assert last["sales_order"] is not None
    assert_whole(store)


def test_what_is_not_committed_is_not_recorded(store: Store):
    with store.writing() as work:
        work.integrations.add(an_integration())
    assert entries(store) == []
    stored_integration(store)
    assert [entry.sequence for entry in entries(store)] == [1]


def test_a_save_that_changes_nothing_visible_is_not_recorded(store: Store):
    integration = stored_integration(store)
    with store.writing() as work:
        work.integrations.find(integration.id)
        work.integrations.save(integration.reconciled(NOW + timedelta(hours=1)))
        work.commit()
    assert names(store) == ["integration.created"]


def test_what_was_not_read_cannot_be_saved(store: Store):
    integration = stored_integration(store)
    with store.writing() as work, pytest.raises(NotRead):
        work.integrations.save(replace(integration, name="Blind"))


def test_who_acts_and_why_comes_with_the_unit_of_work_and_may_change_within_it(store: Store):
    alice = Origin(actor=Actor(type=ActorType.TOKEN, id="token:1", user_id=3), cause={"request_id": "r1"})
    with acting_as(alice), store.writing() as work:
        integration = work.integrations.add(an_integration())
        assert work.origin == alice
        work.origin = by_stripe(ACCOUNT, "evt_1")
        work.integrations.save(integration.disconnect(NOW))
        work.commit()
    first, second = (entry.shown() for entry in entries(store))
    assert (first["actor"]["id"], first["cause"]) == ("token:1", {"request_id": "r1"})
    assert (second["actor"]["type"], second["cause"]) == ("stripe", {"stripe_event_id": "evt_1"})


def test_an_intent_keeps_who_asked_for_it(store: Store):
    bob = Origin(actor=Actor(type=ActorType.OPERATOR, id="bob"), cause={"command": "stripe-bridge refunds"})
    invoice = stored_invoice(store)
    with acting_as(bob), store.writing() as work:
        intent = work.intents.add(an_intent(integration_id=invoice.integration_id, invoice_id=invoice.id))
        work.commit()
    with store.reading() as work:
        found = work.intents.find(intent.id)
    assert found == intent
    assert intent.origin == bob


def test_refunds_disputes_and_tokens_are_recorded(store: Store):
    invoice = stored_invoice(store, status=InvoiceStatus.PAID)
    with store.writing() as work:
        refund = work.refunds.add(a_refund(invoice_id=invoice.id, state=RefundState.PENDING))
        work.refunds.save(replace(refund, state=RefundState.SUCCEEDED))
        dispute = a_dispute(invoice_id=invoice.id, status="needs_response", version=1)
        work.disputes.put(dispute)
        work.disputes.put(replace(dispute, status="won", version=2))
        token = work.tokens.add(a_token())
        work.tokens.revoke(token.id, NOW)
        work.tokens.revoke(token.id, NOW)
        work.commit()
    assert names(store)[-6:] == [
        "refund.created",
        "refund.succeeded",
        "dispute.opened",
        "dispute.closed",
        "token.created",
        "token.revoked",
    ]
    assert {entry.sales_order_id for entry in entries(store)[-6:-2]} == {invoice.sales_order_id}
    assert_whole(store)


def test_acts_are_recorded_also_those_of_no_tenant(store: Store):
    act = Change(
        type=ChangeType.KEYS_ROTATED,
        subject_type=SubjectType.KEY,
        subject_id=None,
        origin=SERVICE,
        object={"resealed": 3},
        tenant_id=NO_TENANT,
    )
    with store.writing() as work:
        work.acts.add(act)
        work.commit()
    assert names(store, NO_TENANT) == ["keys.rotated"]
    assert_whole(store, NO_TENANT)


def test_tenants_have_logs_of_their_own(store: Store):
    stored_integration(store)
    with store.writing() as work:
        work.integrations.add(an_integration(tenant_id="other", account_id="acct_2"))
        work.commit()
    with store.reading() as work:
        heads = work.changes.heads([TENANT, "other", "third"])
        assert [head.tenant_id for head in work.changes.all_heads()] == [TENANT, "other"]
        assert work.changes.head("third") is None
    assert {tenant_id: head.sequence for tenant_id, head in heads.items()} == {TENANT: 1, "other": 1}
    assert heads[TENANT].log != heads["other"].log


def test_pages_follow_a_number_and_may_be_narrowed(store: Store):
    first = stored_invoice(store)
    with store.writing() as work:
        work.tokens.add(a_token())
        work.commit()
    with store.reading() as work:
        every = work.changes.page(TENANT, 0, 1000)
        assert [each.sequence for each in work.changes.page(TENANT, 1, 2)] == [2, 3]
        assert [each.sequence for each in work.changes.page(TENANT, 1, 9, up_to=2)] == [2]
        only = frozenset({ChangeType.TOKEN_CREATED})
        assert [each.type for each in work.changes.page(TENANT, 0, 9, types=only)] == [
            ChangeType.TOKEN_CREATED
        ]
        of_order = work.changes.page(TENANT, 0, 9, sales_order_id=first.sales_order_id)
        assert {each.sales_order_id for each in of_order} == {first.sales_order_id}
        assert 0 < len(of_order) < len(every)
        assert work.changes.find(TENANT, 2) == every[1]
        assert work.changes.find(TENANT, 99) is None


def test_simultaneous_writers_leave_no_gap(store: Store):
    def write(number: int) -> None:
        tenant_id = f"tenant{number % 2}"
        with store.writing() as work:
            for part in range(1 + number % 3):
                work.integrations.add(an_integration(tenant_id=tenant_id, account_id=f"acct_{number}_{part}"))
            if number % 5:
                work.commit()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(30)))
    for tenant_id in ("tenant0", "tenant1"):
        assert_whole(store, tenant_id)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    saves=st.lists(
        st.sampled_from(
            [
                {"number": "A-1"},
                {"amount_paid": 100},
                {"status": InvoiceStatus.PAID},
                {"hosted_invoice_url": "https://pay.example"},
                {"metadata": {"schlüssel": "wert"}},
            ]
        ),
        max_size=6,
    )
)
def test_a_batch_leaves_the_same_log_as_one_by_one(store: Store, saves: list[dict[str, Any]]):
    """But for numbers: what a unit of work has prefetched is written at its end, and recorded as it happens."""
    logs = []
    for is_batch in (True, False):
        invoice = stored_invoice(store, status=InvoiceStatus.VOID)
        pair = (invoice.stripe_account_id, f"in_{invoice.id}")
        with store.writing() as work:
            work.links.add(invoice.stripe_account_id, invoice.id, [pair[1]])
            work.commit()
        start = len(entries(store))
        if is_batch:
            with store.writing() as work:
                work.prefetch([pair])
                for save in saves:
                    found = work.invoices.lock(invoice.id)
                    assert found is not None
                    work.invoices.save(replace(found, **save))
                work.commit()
        else:
            for save in saves:
                with store.writing() as work:
                    found = work.invoices.lock(invoice.id)
                    assert found is not None
                    work.invoices.save(replace(found, **save))
                    work.commit()
        logs.append([(entry.type, entry.shown()["changed"]) for entry in entries(store)[start:]])
    assert logs[0] == logs[1]
    assert_whole(store)


def test_an_order_that_is_replaced_is_recorded(store: Store):
    order = stored_order(store)
    newer = replace(order, total=order.total + 100, source_updated_at=NOW + timedelta(days=1))
    with store.writing() as work:
        work.sales_orders.find(order.tenant_id, order.id, lock=True)
        work.sales_orders.save(newer)
        work.commit()
    last = entries(store)[-1].shown()
    assert last["type"] == "sales_order.updated"
    assert last["changed"]["total_in_cents"] == [order.total, newer.total]
    assert last["sales_order"]["outstanding_in_cents"] == newer.total

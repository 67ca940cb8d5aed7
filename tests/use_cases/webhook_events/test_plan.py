from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from stripe_bridge.domain.recovery import RecoveryHold
from stripe_bridge.domain.replay import MAX_EVENTS, Outcome, ReplayPlan
from stripe_bridge.domain.webhook_event import EventStatus, SkipReason
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.use_cases.webhook_events.plan import BATCH_SIZE, dump_filter
from tests.builders import NOW
from tests.fakes.stripe import payloads
from tests.world import World


def plan_of(world: World, matching: EventFilter | None = None, limit: int = MAX_EVENTS) -> ReplayPlan:
    wanted = matching or EventFilter(account_id=world.account_id)
    plan: ReplayPlan = world.bridge.webhook_events.plan_replay(world.tenant, wanted, limit)
    return plan


@pytest.fixture
def refunded(world: World) -> World:
    """A paid invoice with a refund and a dispute, all of whose events were applied; and another invoice."""
    world.sent(502)
    invoice = world.paid(501)
    world.stripe.refund(world.account_id, str(invoice.stripe_charge_id), 1_000)
    world.stripe.dispute(world.account_id, str(invoice.stripe_charge_id))
    world.deliver()
    return world


def an_event_arrives(world: World) -> None:
    world.receive(world.event("invoice.paid", {"id": "in_new", "object": "invoice"}, id_="evt_new"))


def an_event_is_replayed(world: World) -> None:
    world.bridge.webhook_events.replay(world.tenant, world.events_stored()[0].id)


def touch(world: World, kind: str) -> None:
    """Another worker changes something of the invoice, without any event."""
    with world.store.writing() as work:
        invoice = work.invoices.lock(world.invoice_id)
        assert invoice is not None
        if kind == "invoice":
            work.invoices.save(replace(invoice, sent_at=world.clock.now()))
        (payment,) = work.payments.of_invoice(invoice.id)
        (refund,), (dispute,) = work.refunds.of_invoice(invoice.id), work.disputes.of_invoice(invoice.id)
        if kind == "payment":
            work.payments.put(replace(payment, method="sepa_debit"))
        if kind == "refund":
            work.refunds.save(replace(refund, failure_reason="unknown"))
        if kind == "dispute":
            work.disputes.put(replace(dispute, version=dispute.version + 1))
        work.commit()


MOVES: dict[str, Callable[[World], None]] = {
    "an event arrives": an_event_arrives,
    "an event is replayed": an_event_is_replayed,
    "the invoice changes": lambda world: touch(world, "invoice"),
    "a payment changes": lambda world: touch(world, "payment"),
    "a refund changes": lambda world: touch(world, "refund"),
    "a dispute changes": lambda world: touch(world, "dispute"),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_the_digest_is_another_once_anything_of_the_plan_has_moved(
    refunded: World, move: Callable[[World], None]
):
    before = plan_of(refunded)
    refunded.clock.advance(seconds=1)
    assert plan_of(refunded).digest == before.digest

    move(refunded)

    assert plan_of(refunded).digest != before.digest


def test_what_is_not_in_the_plan_may_move(refunded: World):
    (paid,) = (each for each in refunded.events_stored() if each.event_type == "invoice.paid")
    one = EventFilter(ids=frozenset({paid.id}))
    before = plan_of(refunded, one)

    an_event_arrives(refunded)
    refunded.sent(503)

    assert plan_of(refunded, one).digest == before.digest


def test_another_filter_limit_or_tenant_has_another_digest(refunded: World):
    by_account = plan_of(refunded)
    plans = [
        by_account,
        plan_of(refunded, EventFilter(integration_id=refunded.integration_id)),
        plan_of(refunded, limit=len(by_account.events)),
        refunded.bridge.webhook_events.plan_replay(
            None, EventFilter(account_id=refunded.account_id), MAX_EVENTS
        ),
    ]

    assert len({plan.digest for plan in plans}) == len(plans)


def test_what_matches_is_planned_oldest_first_up_to_the_limit_and_the_rest_counted(refunded: World):
    plan = plan_of(refunded, limit=3)

    oldest = sorted(each.id for each in refunded.events_stored())
    assert [each.event.id for each in plan.events] == oldest[:3]
    assert plan.more == len(oldest) - 3


def test_an_event_that_is_being_processed_is_left_out_until_its_worker_is_gone(world: World):
    world.sent()
    world.receive(world.event("invoice.paid", {"id": "in_new", "object": "invoice"}))
    with world.store.writing() as work:
        now = world.clock.now()
        (claimed,) = work.inbox.claim(now, now + timedelta(seconds=60), 1)
        work.commit()

    assert (plan_of(world).events, plan_of(world).being_processed_ids) == ([], [claimed.id])
    world.clock.advance(seconds=60)
    assert [each.event.status for each in plan_of(world).events] == [EventStatus.PROCESSING]


def test_a_payload_that_is_no_longer_kept_is_named_only_if_asked_for_by_id(refunded: World):
    refunded.clock.advance(timedelta(days=91))
    refunded.bridge.operations.purge_payloads()
    (gone, *_) = refunded.events_stored()

    assert plan_of(refunded).found == []
    assert plan_of(refunded, EventFilter(ids=frozenset({gone.id}))).purged_ids == [gone.id]


def test_a_plan_without_effect_says_so(refunded: World):
    applied = [each for each in refunded.events_stored() if each.event_type.startswith("invoice")]

    plan = plan_of(refunded, EventFilter(ids=frozenset(each.id for each in applied)))

    assert plan.objects == []
    assert plan.counts["applied"] == len(applied)


def test_events_of_many_batches_are_planned_as_one(world: World):
    """The second batch is judged on top of the first."""
    invoice = world.sent()
    world.pay(invoice)
    paid = payloads.invoice_object(
        world.stripe.accounts[world.account_id].invoices[str(invoice.stripe_invoice_id)]
    )
    for number in range(BATCH_SIZE + 1):
        world.receive(world.event("invoice.paid", paid, id_=f"evt_{number}"))

    plan = plan_of(world)

    assert plan.counts["applied"] == BATCH_SIZE + 1
    (status,) = (each for each in plan.objects[0].changes if each.field == "status")
    assert (status.before, status.after) == ("open", "paid")


def test_who_agreed_that_events_would_fail_again_has_not_agreed_to_what_the_next_release_does(
    refunded: World,
):
    plan = plan_of(refunded)

    failing = [replace(each, outcome=Outcome.FAILED, error="KeyError at apply.py:7") for each in plan.events]
    skipped = [
        replace(each, outcome=Outcome.SKIPPED, skip_reason=SkipReason.DISCONNECTED) for each in plan.events
    ]

    digests = {replace(plan, events=events).digest for events in (plan.events, failing, skipped)}
    assert len(digests) == 3
    elsewhere = [replace(each, error="KeyError at apply.py:9") for each in failing]
    assert replace(plan, events=elsewhere).digest in digests


def test_who_did_not_see_that_sends_would_be_held_has_not_agreed_to_it(refunded: World):
    plan = plan_of(refunded)
    hold = RecoveryHold(
        tenant_id=refunded.tenant,
        account_id=refunded.account_id,
        held_at=refunded.clock.now(),
        stripe_invoice_id="in_9",
    )

    later = replace(hold, held_at=hold.held_at + timedelta(hours=1))

    assert replace(plan, holds=[hold]).digest != plan.digest
    assert replace(plan, holds=[hold]).digest == replace(plan, holds=[later]).digest


FILTERS: dict[str, Any] = {
    "integration_id": 1,
    "status": EventStatus.FAILED,
    "event_type": "invoice.paid",
    "related_object_id": "in_1",
    "account_id": "acct_1",
    "ids": frozenset({1}),
    "since": NOW,
    "until": NOW,
}


def test_whatever_was_asked_for_is_in_the_plan_and_so_in_its_digest():
    # Whether there is a payload is not asked for: without one there is nothing to replay.
    assert FILTERS.keys() == {each.name for each in fields(EventFilter)} - {"with_payload"}
    dumped = [dump_filter(EventFilter(**{name: value})) for name, value in FILTERS.items()]

    assert all(len(each) == 1 for each in dumped)
    assert len({name for each in dumped for name in each}) == len(FILTERS)

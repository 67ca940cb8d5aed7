from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stripe_bridge.adapters.stripe_gateway.snapshots import StripeSnapshots
from stripe_bridge.domain.errors.base import WebhookEventNotFound
from stripe_bridge.domain.errors.conflicts import EventBeingProcessed
from stripe_bridge.domain.errors.rules import PayloadPurged
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.stripe_objects import StripeInvoice
from stripe_bridge.domain.webhook_event import MAX_ATTEMPTS, EventStatus, SkipReason, WebhookEvent
from stripe_bridge.ports.storage.inbox import EventFilter
from tests.builders import AMOUNT, TENANT
from tests.fakes.stripe.invoices import FakeInvoiceGateway
from tests.proofs.folding import entries
from tests.world import SECRET, World, without_our_times


@pytest.fixture
def event_id(world: World) -> int:
    """The id of an event that was applied."""
    world.paid()
    found: int = world.events_stored()[-1].id
    return found


def status(world: World, event_id: int) -> EventStatus:
    shown: EventStatus = world.bridge.webhook_events.show(TENANT, event_id, with_payload=False).status
    return shown


def test_a_replayed_event_is_queued_again_and_wakes_the_workers(world: World, event_id: int):
    world.nudges.waiting.clear()

    world.bridge.webhook_events.replay(TENANT, event_id)

    assert status(world, event_id) is EventStatus.RECEIVED
    assert world.nudges.waiting == ["drain_inbox"]


def test_applying_an_event_again_changes_nothing_that_it_changed_before(world: World, event_id: int):
    before = world.invoice(1)
    for event in world.events_stored():
        world.bridge.webhook_events.replay(TENANT, event.id)

    world.work_off()

    assert world.invoice(1) == before
    assert {event.status for event in world.events_stored()} == {EventStatus.PROCESSED}


class Raising(StripeSnapshots):
    """A bug that makes an event fail."""

    def invoice(self, object_: Mapping[str, Any]) -> StripeInvoice:
        raise ZeroDivisionError


class Misreading(StripeSnapshots):
    """A bug that ignores an event's content but counts the event as applied."""

    def invoice(self, object_: Mapping[str, Any]) -> StripeInvoice:
        unpaid = {"status": "open", "amount_paid": 0, "amount_remaining": AMOUNT}
        return super().invoice({**object_, **unpaid})


class Overlooking(FakeInvoiceGateway):
    """A bug that takes an event for one that is not about anything of ours."""

    def find_payment(self, account_id: str, payment_intent_id: str) -> None:
        return None


BUGS: dict[str, tuple[str, EventStatus, Callable[[World], dict[str, Any]]]] = {
    "raises": ("invoice.paid", EventStatus.FAILED, lambda _: {"snapshots": Raising()}),
    "misreads": ("invoice.paid", EventStatus.PROCESSED, lambda _: {"snapshots": Misreading()}),
    "overlooks": (
        "charge.succeeded",
        EventStatus.SKIPPED,
        lambda world: {"invoice_gateway": Overlooking(world.stripe)},
    ),
}


def with_bug(world: World, bug: dict[str, Any]) -> None:
    world.restart(lambda adapters: replace(adapters, **bug))


def paid_twice(world: World, kind: str) -> Sequence[WebhookEvent]:
    """An invoice paid in two parts, of which the second is not known here yet; and the outcomes of its events of one kind."""
    invoice = world.sent()
    world.pay(invoice, 5_000)
    world.pay(invoice)
    for event in world.events():
        if event["type"] == kind:
            world.receive(event)
    until_all_tries_are_over(world)
    return world.events_stored()


def until_all_tries_are_over(world: World) -> None:
    for _ in range(MAX_ATTEMPTS + 1):
        world.work_off()
        world.clock.advance(seconds=3_700)


def known(world: World) -> tuple[Invoice, set[str]]:
    return without_our_times(world.invoice(1)), world.links(1)


@pytest.mark.parametrize(("kind", "outcome", "bug"), BUGS.values(), ids=BUGS)
def test_what_a_bug_has_done_to_events_is_repaired_by_a_fix_and_a_replay(
    world: World, kind: str, outcome: EventStatus, bug: Callable[[World], dict[str, Any]]
):
    as_it_should_be = World()
    as_it_should_be.connect()
    sound = paid_twice(as_it_should_be, kind)
    with_bug(world, bug(world))
    assert outcome in {event.status for event in paid_twice(world, kind)}
    assert known(world) != known(as_it_should_be)

    world.restart()
    for event in world.events_stored():
        world.bridge.webhook_events.replay(TENANT, event.id)
    world.work_off()

    assert known(world) == known(as_it_should_be)
    outcomes = [(event.status, event.attempts, event.last_error, event.skip_reason) for event in sound]
    assert set(outcomes) == {(EventStatus.PROCESSED, 1, None, None)}
    assert outcomes == [
        (event.status, event.attempts, event.last_error, event.skip_reason) for event in world.events_stored()
    ]


def test_a_failed_event_gets_all_its_attempts_again(world: World):
    with_bug(world, {"snapshots": Raising()})
    (failed,) = paid_twice(world, "invoice.paid")
    assert (failed.status, failed.attempts) == (EventStatus.FAILED, MAX_ATTEMPTS)

    world.bridge.webhook_events.replay(TENANT, failed.id)
    (again,) = world.events_stored()
    assert (again.status, again.attempts, again.last_error) == (EventStatus.RECEIVED, 0, None)
    until_all_tries_are_over(world)

    (failed,) = world.events_stored()
    assert (failed.status, failed.attempts) == (EventStatus.FAILED, MAX_ATTEMPTS)


def test_an_event_that_is_being_processed_is_not_replayed_but_one_whose_worker_died_is(
    world: World, event_id: int
):
    world.bridge.webhook_events.replay(TENANT, event_id)
    with world.store.writing() as work:
        now = world.clock.now()
        work.inbox.claim(now, now.replace(minute=now.minute + 1), 10)
        work.commit()

    with pytest.raises(EventBeingProcessed):
        world.bridge.webhook_events.replay(TENANT, event_id)
    ids = EventFilter(ids=frozenset({event_id}))
    assert world.bridge.webhook_events.replay_matching(TENANT, ids, 1) == 0
    world.clock.advance(seconds=60)
    world.bridge.webhook_events.replay(TENANT, event_id)
    assert status(world, event_id) is EventStatus.RECEIVED


def test_another_tenants_event_is_not_there(world: World, event_id: int):
    with pytest.raises(WebhookEventNotFound):
        world.bridge.webhook_events.replay("other", event_id)
    with pytest.raises(WebhookEventNotFound):
        world.bridge.webhook_events.show("other", event_id, with_payload=True)


@pytest.mark.parametrize(
    ("elsewhere", "reason"),
    [({"livemode": True}, SkipReason.OTHER_LIVEMODE), ({"account": "acct_2"}, SkipReason.OTHER_ACCOUNT)],
)
def test_what_came_from_elsewhere_is_skipped_again_whatever_it_says_of_our_objects(
    world: World, elsewhere: dict[str, object], reason: SkipReason
):
    invoice = world.sent()
    world.bridge.receivers.attach(world.integration_id, SECRET)
    world.pay(invoice)
    (paid,) = (event for event in world.events() if event["type"] == "invoice.paid")
    world.receive(paid | elsewhere, into=world.integration_id)
    (stored,) = world.events_stored()

    world.bridge.webhook_events.replay(TENANT, stored.id)
    world.work_off()

    (stored,) = world.events_stored()
    assert (stored.status, stored.skip_reason) == (EventStatus.SKIPPED, reason)
    assert world.invoice(invoice.id).status is InvoiceStatus.OPEN


def test_an_event_whose_payload_is_no_longer_kept_is_not_applied_again(world: World):
    world.sent()
    world.deliver(world.events()[:1])
    (event,) = world.events_stored()
    world.clock.advance(timedelta(days=91))
    assert not world.bridge.operations.purge_payloads()
    assert not world.bridge.webhook_events.show(TENANT, event.id, with_payload=True).payload

    with pytest.raises(PayloadPurged):
        world.bridge.webhook_events.replay(TENANT, event.id)

    assert world.events_stored() == [event]


def replayed(world: World) -> list[int]:
    """The ids of the events that were queued again, as the log has it."""
    with world.store.reading() as work:
        logged = [entry.shown() for entry in entries(work, TENANT)]
    return [each["subject"]["id"] for each in logged if each["type"] == "webhook_event.replayed"]


def test_purged_payloads_do_not_prevent_the_replay_of_other_events(world: World, event_id: int):
    world.clock.advance(timedelta(days=91))
    world.bridge.operations.purge_payloads()
    for name in ("evt_new", "evt_newer"):
        world.receive(world.event("invoice.paid", {"id": "in_1", "object": "invoice"}, id_=name))

    world.nudges.waiting.clear()
    matching = EventFilter(account_id=world.account_id)
    plan = world.bridge.webhook_events.plan_replay(TENANT, matching, 1)
    queued = world.bridge.webhook_events.replay_matching(TENANT, matching, 1)

    assert ([each.event.stripe_event_id for each in plan.events], plan.more) == (["evt_new"], 1)
    assert queued == 1
    assert replayed(world) == [plan.events[0].event.id]
    assert world.nudges.waiting == ["drain_inbox"]
    ids = EventFilter(ids=frozenset({event_id}))
    assert world.bridge.webhook_events.plan_replay(TENANT, ids, 1).purged_ids == [event_id]
    assert world.bridge.webhook_events.replay_matching(TENANT, ids, 1) == 0
    assert len(replayed(world)) == 1

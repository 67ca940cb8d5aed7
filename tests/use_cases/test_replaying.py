import pytest

from stripe_bridge.domain.errors import EventBeingProcessed, WebhookEventNotFound
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.webhook_event import EventStatus, SkipReason
from tests.builders import TENANT, an_event_payload
from tests.world import SECRET, World


@pytest.fixture
def event_id(world: World) -> int:
    """Of an event that was applied."""
    world.paid()
    found: int = world.events_stored()[-1].id
    return found


def status(world: World, event_id: int) -> EventStatus:
    shown: EventStatus = world.bridge.show_webhook_event(TENANT, event_id, with_payload=False).status
    return shown


def test_a_replayed_event_is_queued_again_and_wakes_the_workers(world: World, event_id: int):
    world.nudges.waiting.clear()

    world.bridge.replay_webhook_event(TENANT, event_id)

    assert status(world, event_id) is EventStatus.RECEIVED
    assert world.nudges.waiting == ["drain_inbox"]


def test_applying_an_event_again_changes_nothing_that_it_changed_before(world: World, event_id: int):
    before = world.invoice(1)
    for event in world.events_stored():
        world.bridge.replay_webhook_event(TENANT, event.id)

    world.work_off()

    assert world.invoice(1) == before
    assert {event.status for event in world.events_stored()} == {EventStatus.PROCESSED}


def test_a_failed_event_gets_all_its_tries_again(world: World):
    invoice = world.sent()
    world.pay(invoice)
    payload = an_event_payload("invoice.paid", {"id": invoice.stripe_invoice_id}, account=world.account_id)
    world.receive(payload)
    for _ in range(40):
        world.work_off()
        world.clock.advance(seconds=3700)
    (failed,) = world.events_stored()

    if failed.status is EventStatus.FAILED:
        world.bridge.replay_webhook_event(TENANT, failed.id)
        (again,) = world.events_stored()
        assert (again.status, again.attempts, again.last_error) == (EventStatus.RECEIVED, 0, None)
    else:
        # An object without a kind is asked about at Stripe.
        assert world.invoice(invoice.id).status is InvoiceStatus.PAID


def test_an_event_that_a_worker_is_at_is_not_replayed_but_one_whose_worker_died_is(
    world: World, event_id: int
):
    world.bridge.replay_webhook_event(TENANT, event_id)
    with world.store.writing() as work:
        now = world.clock.now()
        work.inbox.claim(now, now.replace(minute=now.minute + 1), 10)
        work.commit()

    with pytest.raises(EventBeingProcessed):
        world.bridge.replay_webhook_event(TENANT, event_id)
    world.clock.advance(seconds=60)
    world.bridge.replay_webhook_event(TENANT, event_id)
    assert status(world, event_id) is EventStatus.RECEIVED


def test_another_tenants_event_is_not_there(world: World, event_id: int):
    with pytest.raises(WebhookEventNotFound):
        world.bridge.replay_webhook_event("other", event_id)
    with pytest.raises(WebhookEventNotFound):
        world.bridge.show_webhook_event("other", event_id, with_payload=True)


def test_a_payload_is_shown_when_asked_for(world: World, event_id: int):
    assert world.bridge.show_webhook_event(TENANT, event_id, with_payload=False).payload is None
    assert world.bridge.show_webhook_event(TENANT, event_id, with_payload=True).payload


@pytest.mark.parametrize(
    ("elsewhere", "reason"),
    [({"livemode": True}, SkipReason.OTHER_LIVEMODE), ({"account": "acct_2"}, SkipReason.OTHER_ACCOUNT)],
)
def test_what_came_from_elsewhere_is_skipped_again_whatever_it_says_of_our_objects(
    world: World, elsewhere: dict[str, object], reason: SkipReason
):
    invoice = world.sent()
    world.bridge.attach_receiver(world.integration_id, SECRET)
    world.pay(invoice)
    (paid,) = (event for event in world.events() if event["type"] == "invoice.paid")
    world.receive(paid | elsewhere, into=world.integration_id)
    (stored,) = world.events_stored()

    world.bridge.replay_webhook_event(TENANT, stored.id)
    world.work_off()

    (stored,) = world.events_stored()
    assert (stored.status, stored.skip_reason) == (EventStatus.SKIPPED, reason)
    assert world.invoice(invoice.id).status is InvoiceStatus.OPEN

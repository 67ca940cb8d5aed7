from datetime import timedelta

import pytest

from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.webhook_event import (
    MAX_ATTEMPTS,
    MAX_GATEWAY_ATTEMPTS,
    EventStatus,
    SkipReason,
)
from stripe_bridge.ports.stripe.errors import OutcomeUnknown
from stripe_bridge.use_cases.webhook_events.apply import BATCH_SIZE
from tests.builders import AMOUNT, TENANT, an_event_payload
from tests.fakes.stripe import payloads
from tests.world import Event, World

LEASE = 60


def only(world: World):
    """The one event."""
    (event,) = world.events_stored()
    return event


def unclear(world: World, number: int = 1) -> Event:
    """An event about the last invoice that cannot be applied without asking Stripe."""
    invoice = world.invoice(world.invoice_id)
    theirs = world.stripe.accounts[world.account_id].invoices[str(invoice.stripe_invoice_id)]
    shown = payloads.invoice_object(theirs) | {"metadata": {"changed": "by the merchant"}}
    return world.event("invoice.updated", shown, id_=f"evt_{number}")


def test_an_applied_event_is_processed_and_says_when(world: World):
    world.sent()
    world.deliver(world.events()[:1])

    event = only(world)
    assert (event.status, event.processed_at) == (EventStatus.PROCESSED, world.clock.now())
    assert (event.attempts, event.last_error) == (1, None)


def test_the_size_of_the_batch_shows_whether_there_is_more(world: World):
    for number in range(BATCH_SIZE + 1):
        world.receive(an_event_payload(id_=f"evt_{number}", account=world.account_id))

    assert [world.bridge.webhook_events.apply() for _ in range(3)] == [BATCH_SIZE, 1, 0]


def test_an_event_that_cannot_be_applied_waits_longer_each_time_with_its_error(world: World):
    world.sent()
    world.fail("invoice", OutcomeUnknown("down"), times=100)
    world.receive(unclear(world))
    waits = []
    for _ in range(4):
        world.bridge.webhook_events.apply()
        event = only(world)
        assert event.status is EventStatus.RECEIVED
        assert "OutcomeUnknown" in event.last_error
        waits.append((event.next_attempt_at - world.clock.now()).total_seconds())
        assert world.bridge.webhook_events.apply() == 0
        world.clock.advance(event.next_attempt_at - world.clock.now())

    assert waits == sorted(set(waits))
    assert only(world).attempts == 4


def test_the_log_says_why_an_event_could_not_be_applied(world: World, caplog: pytest.LogCaptureFixture):
    world.sent()
    world.fail("invoice", OutcomeUnknown("no answer from Stripe"))
    world.receive(unclear(world))

    world.bridge.webhook_events.apply()

    (record,) = [each.__dict__ for each in caplog.records if each.message == "event could not be applied"]
    assert "no answer from Stripe" in record["reason"]
    assert record["reason"] == only(world).last_error


def test_an_event_that_waited_is_applied_when_stripe_is_back(world: World):
    invoice = world.sent()
    world.fail("invoice", OutcomeUnknown("down"))
    world.receive(unclear(world))
    world.work_off()
    world.stripe.pay(world.account_id, invoice.stripe_invoice_id)

    world.come_to_rest()

    assert only(world).status is EventStatus.PROCESSED
    assert world.invoice(invoice.id).status is InvoiceStatus.PAID


def test_after_its_last_attempt_an_event_is_failed_and_left_alone(world: World):
    world.sent()
    world.receive(world.event("invoice.paid", {"id": world.at_stripe()[0].id, "object": "invoice"}))
    for _ in range(40):
        world.bridge.webhook_events.apply()
        world.clock.advance(seconds=3700)

    event = only(world)
    assert event.status is EventStatus.FAILED
    assert event.next_attempt_at is None
    assert "SnapshotUnreadable at " in event.last_error
    assert world.bridge.webhook_events.apply() == 0


def test_one_failing_event_does_not_hold_up_the_others(world: World):
    invoice = world.sent()
    world.pay(invoice)
    world.receive(
        world.event("invoice.paid", {"id": invoice.stripe_invoice_id, "object": "invoice"}, id_="evt_failing")
    )
    for event in world.events():
        world.receive(event)

    world.work_off()

    assert world.invoice(invoice.id).status is InvoiceStatus.PAID
    by_id = {event.stripe_event_id: event.status for event in world.events_stored()}
    assert by_id.pop("evt_failing") is EventStatus.RECEIVED
    assert set(by_id.values()) == {EventStatus.PROCESSED}


def test_an_event_claimed_by_a_worker_that_died_is_claimed_again_after_its_lease(world: World):
    world.sent()
    world.receive(world.events()[0])
    with world.store.writing() as work:
        now = world.clock.now()
        assert work.inbox.claim(now, world.clock.now().replace(minute=now.minute + 1), 10)
        work.commit()

    assert world.bridge.webhook_events.apply() == 0
    world.clock.advance(seconds=LEASE)
    assert world.bridge.webhook_events.apply() == 1
    assert only(world).attempts == 2


def test_a_worker_that_lost_its_claim_changes_nothing(world: World):
    invoice = world.sent()
    world.receive(unclear(world))

    def another_worker_comes() -> None:
        world.clock.advance(seconds=LEASE + 1)
        world.stripe.pay(world.account_id, invoice.stripe_invoice_id)
        assert world.bridge.webhook_events.apply() == 1

    world.stripe.before_next("invoice", another_worker_comes)
    world.bridge.webhook_events.apply()

    assert only(world).status is EventStatus.PROCESSED
    assert only(world).attempts == 2
    assert world.invoice(invoice.id).status is InvoiceStatus.PAID


def test_a_worker_that_lost_its_claim_and_fails_counts_for_nothing(world: World):
    world.sent()
    world.receive(unclear(world))
    applied = []

    def another_worker_comes() -> None:
        world.clock.advance(seconds=LEASE + 1)
        applied.append(world.bridge.webhook_events.apply())
        world.fail("invoice", OutcomeUnknown("down"))

    world.stripe.before_next("invoice", another_worker_comes)
    world.bridge.webhook_events.apply()

    assert (applied, only(world).status) == ([1], EventStatus.PROCESSED)
    rendered = world.adapters.metrics.render(None).decode()
    counts = [line for line in rendered.splitlines() if line.startswith("stripe_bridge_events_total")]
    counted = [line for line in counts if not line.endswith(" 0.0")]
    assert counted == ['stripe_bridge_events_total{status="processed"} 1.0']


def test_what_was_fetched_counts_only_on_the_version_that_it_was_fetched_for(world: World):
    """A snapshot fetched before a payment never undoes the payment that was applied meanwhile."""
    invoice = world.sent()
    gateway = world.adapters.invoice_gateway
    before = gateway.invoice(world.account_id, str(invoice.stripe_invoice_id))
    world.receive(unclear(world))
    fetched = []

    def it_is_paid_and_that_applied() -> None:
        fetched.append(before)
        world.pay(invoice)
        for event in world.events():
            world.receive(event)
        world.bridge.webhook_events.apply()

    world.stripe.before_next("invoice", it_is_paid_and_that_applied)
    world.work_off()

    assert fetched
    assert world.invoice(invoice.id).status is InvoiceStatus.PAID
    assert world.invoice(invoice.id).amount_paid == AMOUNT


@pytest.mark.parametrize("event_type", ["invoice.paid", "charge.succeeded", "charge.refunded"])
def test_what_we_did_not_create_is_skipped_without_a_call(world: World, event_type: str):
    theirs = {"id": "in_theirs", "object": event_type.split(".")[0], "customer": "cus_theirs"}
    theirs["payment_intent"] = "pi_theirs"
    calls = world.calls()

    world.deliver([world.event(event_type, theirs)])

    assert only(world).skip_reason is SkipReason.FOREIGN_OBJECT
    assert world.calls() == calls


def test_an_event_of_an_account_that_is_in_no_integration_is_skipped(world: World):
    world.receive(an_event_payload(account="acct_unknown"))
    world.work_off()

    (event,) = world.store.committed.events.rows.values()
    assert (event.status, event.skip_reason) == (EventStatus.SKIPPED, SkipReason.NO_INTEGRATION)
    assert event.tenant_id is None


def test_the_activity_of_an_invoice_is_what_touched_it_oldest_first(world: World):
    first, second = world.paid(501), world.paid(502)

    log = world.bridge.invoices.show_activity(TENANT, first.id)

    named = {first.stripe_invoice_id, first.stripe_payment_intent_id, first.stripe_charge_id}
    assert {event.related_object_id for event in log} == named
    assert [event.id for event in log] == sorted(event.id for event in log)
    assert {
        event.related_object_id for event in world.bridge.invoices.show_activity(TENANT, second.id)
    }.isdisjoint(named)


def test_an_event_that_waits_for_stripe_is_retried_for_longer_than_one_that_fails_by_itself(world: World):
    world.sent()
    world.receive(unclear(world))
    world.fail("invoice", OutcomeUnknown("cut"), times=MAX_GATEWAY_ATTEMPTS)

    for _ in range(MAX_GATEWAY_ATTEMPTS - 1):
        assert world.bridge.webhook_events.apply() == 1
        assert only(world).status is EventStatus.RECEIVED
        world.clock.advance(seconds=3600)
    world.bridge.webhook_events.apply()

    assert only(world).status is EventStatus.FAILED
    assert only(world).attempts == MAX_GATEWAY_ATTEMPTS > MAX_ATTEMPTS


def test_events_that_can_be_are_applied_in_one_transaction(world: World):
    invoices = [world.sent(order_id) for order_id in (601, 602, 603)]
    for invoice in invoices:
        world.pay(invoice)
    for event in world.events():
        world.receive(event)
    before = world.store.commits

    assert world.bridge.webhook_events.apply() > 6

    assert world.store.commits == before + 2, (
        "The first batch: one that claims them, and one that applies them."
    )
    assert {world.invoice(invoice.id).status for invoice in invoices} == {InvoiceStatus.PAID}


def proven(world: World) -> None:
    """After a worker's first batch, which is claimed before it is applied."""
    world.bridge.webhook_events.apply()


def test_a_worker_that_got_through_a_batch_applies_the_next_without_claiming_it(world: World):
    invoices = [world.sent(order_id) for order_id in (601, 602, 603)]
    for invoice in invoices:
        world.pay(invoice)
    proven(world)
    for event in world.events():
        world.receive(event)
    before = world.store.commits

    assert world.bridge.webhook_events.apply() > 6

    assert world.store.commits == before + 1
    assert {world.invoice(invoice.id).status for invoice in invoices} == {InvoiceStatus.PAID}
    assert {(event.status, event.attempts) for event in world.events_stored()} == {(EventStatus.PROCESSED, 1)}


def test_of_an_unclaimed_batch_what_needs_a_call_to_stripe_is_claimed(world: World):
    world.sent()
    proven(world)
    world.receive(unclear(world))
    world.receive(an_event_payload(id_="evt_foreign", account=world.account_id))
    seen: list[tuple[EventStatus, int]] = []
    world.stripe.before_next(
        "invoice", lambda: seen.extend((each.status, each.attempts) for each in world.events_stored())
    )

    assert world.bridge.webhook_events.apply() == 2

    assert sorted(seen) == [(EventStatus.PROCESSING, 1), (EventStatus.SKIPPED, 1)]
    assert {event.status for event in world.events_stored()} == {EventStatus.PROCESSED, EventStatus.SKIPPED}


def test_an_unclaimed_batch_that_fails_is_claimed(world: World):
    invoice = world.sent()
    world.pay(invoice)
    proven(world)
    world.receive(
        world.event("invoice.paid", {"id": invoice.stripe_invoice_id, "object": "invoice"}, id_="evt_failing")
    )
    for event in world.events():
        world.receive(event)

    world.bridge.webhook_events.apply()

    assert world.invoice(invoice.id).status is InvoiceStatus.PAID
    failing = next(event for event in world.events_stored() if event.stripe_event_id == "evt_failing")
    assert (failing.status, failing.attempts) == (EventStatus.RECEIVED, 1)


def test_what_a_dead_worker_had_claimed_is_claimed_again_while_more_and_more_comes_in(world: World):
    world.sent()
    proven(world)
    world.receive(an_event_payload(id_="evt_claimed", account=world.account_id))
    lapse(world, 1)
    for number in range(20):
        world.receive(an_event_payload(id_=f"evt_{number}", account=world.account_id))
        world.bridge.webhook_events.apply()
        world.clock.advance(seconds=1)

    claimed = next(event for event in world.events_stored() if event.stripe_event_id == "evt_claimed")
    assert (claimed.status, claimed.attempts) == (EventStatus.SKIPPED, 2)


def test_what_waits_for_stripe_holds_up_nothing_that_does_not(world: World):
    """Asking a Stripe that does not answer takes long, so it is asked only once, and then the other events wait, too."""
    failing, healthy, like_failing = (world.sent(order_id) for order_id in (601, 602, 603))
    for number in range(5):
        world.invoice_id = (failing.id, like_failing.id)[number % 2]
        world.receive(unclear(world, number))
    world.pay(healthy)
    for event in world.events():
        world.receive(event)
    world.fail("invoice", OutcomeUnknown("no answer"), times=5)
    calls = world.calls()

    world.bridge.webhook_events.apply()

    assert world.invoice(healthy.id).status is InvoiceStatus.PAID
    assert len(world.calls()) == len(calls) + 1
    waiting = [event for event in world.events_stored() if event.status is EventStatus.RECEIVED]
    assert sorted(event.attempts for event in waiting) == [0, 0, 0, 0, 1]
    assert len({event.due_at for event in waiting}) == 1


def test_when_a_third_of_its_lease_is_over_a_worker_releases_what_it_has_not_begun(world: World):
    world.sent()
    for number in range(3):
        world.receive(unclear(world, number))
    world.stripe.before_next("invoice", lambda: world.clock.advance(seconds=LEASE / 2))

    world.bridge.webhook_events.apply()

    by_attempts = sorted((event.attempts, event.status) for event in world.events_stored())
    assert by_attempts[:2] == [(0, EventStatus.RECEIVED)] * 2
    assert by_attempts[2] == (1, EventStatus.PROCESSED)


def lapse(world: World, times: int) -> None:
    """As if workers had died while processing what is due."""
    for _ in range(times):
        with world.store.writing() as work:
            work.inbox.claim(world.clock.now(), world.clock.now() + timedelta(seconds=LEASE), 100)
            work.commit()
        world.clock.advance(seconds=LEASE)


def test_an_event_that_ends_its_workers_is_applied_last_and_given_up_in_the_end(world: World):
    world.sent(601)
    world.receive(unclear(world))
    lapse(world, 5)
    invoice = world.sent(602)
    world.pay(invoice)
    for event in world.events():
        world.receive(event)

    def dies() -> None:
        raise KeyboardInterrupt

    world.stripe.before_next("invoice", dies)
    with pytest.raises(KeyboardInterrupt):
        world.bridge.webhook_events.apply()

    assert world.invoice(invoice.id).status is InvoiceStatus.PAID, "What came with it was done before."
    world.clock.advance(seconds=LEASE)
    lapse(world, MAX_GATEWAY_ATTEMPTS)
    world.bridge.webhook_events.apply()
    (lost,) = [event for event in world.events_stored() if event.status is EventStatus.FAILED]
    assert "worker ended" in str(lost.last_error)


def test_an_event_that_was_released_often_still_has_all_its_attempts(world: World):
    world.receive(world.event("account.updated", {"id": world.account_id, "object": "account"}))
    for _ in range(MAX_ATTEMPTS + 1):
        world.bridge.webhook_events.apply(lambda: True)

    assert only(world).attempts == 0


def test_an_event_that_came_before_its_integration_is_applied_once_replayed(world: World):
    world.receive(an_event_payload("account.updated", account="acct_early", id_="evt_early"))
    world.work_off()
    (early,) = world.store.committed.events.rows.values()
    assert (early.skip_reason, early.tenant_id) == (SkipReason.NO_INTEGRATION, None)

    world.connect("acct_early")
    world.bridge.webhook_events.replay(None, early.id)
    world.work_off()

    event = next(each for each in world.events_stored() if each.stripe_event_id == "evt_early")
    assert (event.status, event.integration_id) == (EventStatus.PROCESSED, world.integration_id)


def test_an_event_that_waits_while_its_account_is_connected_is_applied(world: World):
    world.receive(an_event_payload("account.updated", account="acct_early", id_="evt_early"))
    world.connect("acct_early")
    world.work_off()

    event = next(each for each in world.events_stored() if each.stripe_event_id == "evt_early")
    assert (event.status, event.integration_id) == (EventStatus.PROCESSED, world.integration_id)


@pytest.mark.parametrize("kind", ["account.updated", "invoice.paid"])
def test_late_events_of_a_disconnected_integration_are_kept_under_it_and_skipped(world: World, kind: str):
    invoice = world.sent()
    world.pay(invoice)
    if kind == "invoice.paid":
        (event,) = [event for event in world.events() if event["type"] == kind]
    else:
        shown = payloads.account_object(world.stripe.accounts[world.account_id].snapshot)
        event = world.event(kind, shown)
    world.bridge.integrations.disconnect(TENANT, world.integration_id)

    world.deliver([event])

    assert world.events_stored()[0].integration_id == world.integration_id
    assert (world.events_stored()[0].status, world.events_stored()[0].skip_reason) == (
        EventStatus.SKIPPED,
        SkipReason.DISCONNECTED,
    )


@pytest.mark.parametrize("tenant", [TENANT, "other"])
def test_what_was_skipped_for_a_disconnect_is_applied_when_another_integration_has_the_account(
    world: World, tenant: str
):
    invoice = world.sent()
    world.bridge.integrations.disconnect(TENANT, world.integration_id)
    world.come_to_rest()
    world.pay(invoice)
    world.deliver()
    assert world.invoice(invoice.id).status is InvoiceStatus.OPEN

    world.connect(world.account_id, tenant=tenant)
    world.work_off()

    assert world.invoice(invoice.id).status is InvoiceStatus.PAID

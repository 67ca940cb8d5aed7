import json
from datetime import timedelta
from typing import Any

import pytest

from stripe_bridge.domain.errors.base import ReceiverNotFound
from stripe_bridge.domain.errors.outcomes import PayloadMalformed, PayloadTooLarge, SignatureInvalid
from stripe_bridge.domain.webhook_event import MAX_PAYLOAD_BYTES, PLATFORM, EventStatus, SkipReason
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from stripe_bridge.use_cases.webhook_events.receive import ReceiveWebhookCommand
from tests.builders import an_event_payload
from tests.fakes.stripe.signatures import sign
from tests.world import A_WHILE, SECRET, World


def stored(world: World) -> list[Any]:
    """The stored events of all tenants and of none."""
    return list(world.store.committed.events.rows.values())


def test_a_verified_event_is_stored_as_it_came_and_the_workers_are_woken(world: World):
    payload = an_event_payload(account=world.account_id)

    assert world.receive(payload)

    (event,) = stored(world)
    assert (event.payload, event.status) == (payload, EventStatus.RECEIVED)
    assert (event.account_id, event.integration_id) == (world.account_id, world.integration_id)
    assert world.nudges.waiting == ["drain_inbox"]


def test_a_duplicate_is_accepted_and_changes_nothing(world: World):
    payload = an_event_payload(account=world.account_id)
    world.receive(payload)
    world.nudges.waiting.clear()

    assert not world.receive(payload)

    assert len(stored(world)) == 1
    assert not world.nudges.waiting


def test_the_same_event_id_of_two_accounts_is_two_events(world: World):
    first = world.account_id
    world.connect()

    assert world.receive(an_event_payload(account=first))
    assert world.receive(an_event_payload(account=world.account_id))


def test_a_lost_broker_loses_no_event(world: World):
    world.nudges.is_available = False

    assert world.receive(an_event_payload(account=world.account_id))
    assert stored(world)


def test_a_database_that_is_down_is_reported_so_that_stripe_retries(world: World):
    world.store.is_available = False
    with pytest.raises(StoreUnavailable):
        world.receive(an_event_payload(account=world.account_id))
    world.store.is_available = True

    assert world.receive(an_event_payload(account=world.account_id))


@pytest.mark.parametrize("header", [None, "", "t=1", "v1=aa", "t=x,v1=y"])
def test_what_is_not_signed_is_refused_and_not_stored(world: World, header: str | None):
    command = ReceiveWebhookCommand(payload=an_event_payload(), signature=header)
    with pytest.raises(SignatureInvalid):
        world.bridge.webhook_events.receive(command)
    assert not stored(world)


@pytest.mark.parametrize("is_known", [False, True])
def test_what_is_signed_with_another_secret_is_refused_also_where_ours_is_cached(
    world: World, is_known: bool
):
    if is_known:
        world.receive(an_event_payload(id_="evt_ours"))
    with pytest.raises(SignatureInvalid):
        world.receive(an_event_payload(), secret="whsec_other")


def test_what_was_signed_more_than_five_minutes_ago_is_refused(world: World):
    payload = an_event_payload()
    signature = sign(payload, SECRET, world.clock.now())
    world.clock.advance(seconds=301)

    with pytest.raises(SignatureInvalid):
        world.bridge.webhook_events.receive(ReceiveWebhookCommand(payload=payload, signature=signature))


@pytest.mark.parametrize("payload", [b"\xff\xfe", b"{", b"[]", b"{}", b'"event"', b"[" * 100_000])
def test_what_is_signed_but_no_event_is_refused_and_not_stored(world: World, payload: bytes):
    with pytest.raises(PayloadMalformed):
        world.receive(payload)
    assert not stored(world)


def test_what_is_too_large_is_refused_before_anything_is_read(world: World):
    world.store.is_available = False
    with pytest.raises(PayloadTooLarge):
        world.receive(b" " * (MAX_PAYLOAD_BYTES + 1))


def test_an_event_of_an_unknown_type_is_stored_and_skipped(world: World):
    world.receive(an_event_payload("customer.created", account=world.account_id))

    (event,) = stored(world)
    assert (event.status, event.skip_reason) == (EventStatus.SKIPPED, SkipReason.UNKNOWN_TYPE)
    assert not world.nudges.waiting


def test_an_event_of_the_other_livemode_is_stored_and_skipped(world: World):
    world.receive(an_event_payload(account=world.account_id, livemode=True))

    (event,) = stored(world)
    assert event.skip_reason is SkipReason.OTHER_LIVEMODE


def test_the_platforms_own_events_are_stored_under_its_name(world: World):
    world.receive(an_event_payload("account.updated", account=None))

    assert [event.account_id for event in stored(world)] == [PLATFORM]


def test_secrets_of_registered_receivers_count_beside_those_of_the_environment(world: World):
    world.bridge.receivers.register()
    secrets = [
        world.adapters.vault.open(receiver.sealed_secret) for receiver in world.bridge.receivers.list()
    ]

    for number, secret in enumerate([*secrets, SECRET]):
        assert world.receive(an_event_payload(id_=f"evt_{number}"), secret=secret)


def own_receiver(world: World) -> None:
    world.bridge.receivers.attach(world.integration_id, "whsec_own")


def test_an_integration_without_a_receiver_of_its_own_receives_nothing_at_its_url(world: World):
    with pytest.raises(ReceiverNotFound):
        world.receive(an_event_payload(), into=world.integration_id)
    with pytest.raises(ReceiverNotFound):
        world.receive(an_event_payload(), into=404)


def test_an_own_receiver_takes_only_its_own_secret_and_knows_its_account(world: World):
    own_receiver(world)
    with pytest.raises(SignatureInvalid):
        world.receive(an_event_payload(), into=world.integration_id)

    world.receive(an_event_payload(account=None), into=world.integration_id, secret="whsec_own")

    (event,) = stored(world)
    assert (event.account_id, event.status) == (world.account_id, EventStatus.RECEIVED)


def test_an_own_receivers_secret_is_refused_by_any_other(world: World):
    own_receiver(world)
    with pytest.raises(SignatureInvalid):
        world.receive(an_event_payload(), secret="whsec_own")


def test_another_accounts_event_at_an_own_receiver_is_skipped_and_does_not_displace_the_real_one(
    world: World,
):
    own_receiver(world)
    own = world.integration_id
    world.connect()
    payload = an_event_payload(account=world.account_id)

    world.receive(payload, into=own, secret="whsec_own")
    assert world.receive(payload)

    wrong, right = stored(world)
    assert (wrong.status, wrong.skip_reason) == (EventStatus.SKIPPED, SkipReason.OTHER_ACCOUNT)
    assert (right.status, right.integration_id) == (EventStatus.RECEIVED, world.integration_id)


def test_a_receiver_of_an_integration_without_an_account_speaks_for_none(world: World):
    invoice = world.sent()
    unconnected = world.add_integration("initech")
    world.bridge.receivers.attach(unconnected, "whsec_forger")
    world.pay(invoice)
    genuine = {json.dumps(event).encode() for event in world.events()}

    for number, payload in enumerate([*genuine, an_event_payload("account.updated", account=None)]):
        assert world.receive(payload, into=unconnected, secret="whsec_forger"), number

    world.bridge.webhook_events.apply()
    assert world.invoice(invoice.id) == invoice
    forged = stored(world)
    assert {event.account_id for event in forged} == {f"receiver:{unconnected}"}
    assert {event.tenant_id for event in forged} == {None}
    for payload in genuine:
        assert world.receive(payload), "What was forged stands in the way of what is genuine."


def test_a_receiver_of_an_integration_whose_account_moved_on_speaks_for_it_no_more(world: World):
    own_receiver(world)
    former, account_id = world.integration_id, world.account_id
    world.bridge.integrations.disconnect(world.tenant, former)
    own_receiver(world)
    world.receive(an_event_payload(id_="evt_late", account=account_id), into=former, secret="whsec_own")
    world.clock.advance(A_WHILE)
    world.connect(account_id, tenant="other")

    world.receive(an_event_payload(id_="evt_forged", account=account_id), into=former, secret="whsec_own")

    owners = {event.stripe_event_id: (event.account_id, event.tenant_id) for event in stored(world)}
    assert owners["evt_forged"] == (f"receiver:{former}", None)
    assert owners["evt_late"] == (account_id, world.tenant)


def test_nothing_of_an_event_is_applied_before_the_response(world: World):
    invoice = world.sent()
    world.pay(invoice)
    calls = world.calls()

    for event in world.events():
        world.receive(json.dumps(event).encode())

    assert world.calls() == calls
    assert world.invoice(invoice.id) == invoice


def test_a_new_receivers_secret_counts_immediately_though_the_old_ones_are_cached(world: World):
    world.receive(an_event_payload(id_="evt_1", account=world.account_id))
    attached = "whsec_attached_later"
    world.bridge.receivers.attach(world.integration_id, "whsec_first")
    into = world.integration_id
    world.receive(an_event_payload(id_="evt_2", account=world.account_id), into=into, secret="whsec_first")

    world.bridge.receivers.attach(world.integration_id, attached)

    assert world.receive(an_event_payload(id_="evt_3", account=world.account_id), into=into, secret=attached)


def test_a_removed_receivers_secret_is_refused_soon(world: World):
    into, secret = world.integration_id, "whsec_own"
    receiver = world.bridge.receivers.attach(into, secret)
    world.receive(an_event_payload(id_="evt_1", account=world.account_id), into=into, secret=secret)
    with world.store.writing() as work:
        work.receivers.remove(receiver.id)
        work.commit()

    world.clock.advance(timedelta(seconds=11))

    with pytest.raises(ReceiverNotFound):
        world.receive(an_event_payload(id_="evt_2", account=world.account_id), into=into, secret=secret)

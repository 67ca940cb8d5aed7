from contextlib import suppress
from dataclasses import replace

import pytest

from stripe_bridge.config import Settings
from stripe_bridge.domain.errors.base import IntegrationNotFound
from stripe_bridge.domain.intent import IntentState
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.domain.receiver import SUBSCRIBED_EVENTS, ReceiverKind
from stripe_bridge.ports.storage.intents import IntentFilter
from stripe_bridge.ports.stripe.errors import GatewayRefused, OutcomeUnknown
from tests.contracts.stored import at_once
from tests.world import A_WHILE, ENVIRONMENT, World

URL = "https://bridge.test/api/webhooks/stripe"


@pytest.fixture
def world() -> World:
    return World()


def register(world: World) -> list[tuple[str, tuple[str, ...]]]:
    return [(each.action, each.problems) for each in world.bridge.receivers.register()]


def endpoints(world: World):
    return list(world.stripe.endpoints[None].values())


def test_the_platform_gets_an_endpoint_of_its_own_and_one_for_connected_accounts(world: World):
    assert register(world) == [("created", ()), ("created", ())]

    assert {each.url for each in endpoints(world)} == {URL}
    assert {each.enabled_events for each in endpoints(world)} == {SUBSCRIBED_EVENTS}
    connect = [call.arguments["connect"] for call in world.stripe.calls_of("create_endpoint")]
    assert connect == [False, True]
    kinds = [receiver.kind for receiver in world.bridge.receivers.list()]
    assert kinds == [ReceiverKind.PLATFORM, ReceiverKind.CONNECT]


def test_their_secrets_are_kept_sealed_and_match_what_stripe_signs_with(world: World):
    register(world)

    for receiver in world.bridge.receivers.list():
        assert world.adapters.vault.open(receiver.sealed_secret).startswith("whsec_")
        assert "whsec_" not in receiver.sealed_secret


def test_again_is_a_check_that_changes_nothing(world: World):
    register(world)
    before = endpoints(world)

    assert register(world) == [("in order", ()), ("in order", ())]
    assert endpoints(world) == before


@pytest.mark.parametrize(
    "fault",
    [
        {"enabled": False},
        {"url": "https://elsewhere.test"},
        {"enabled_events": SUBSCRIBED_EVENTS - {"invoice.paid"}},
    ],
)
def test_what_is_wrong_with_an_endpoint_is_reported_and_repaired(world: World, fault):
    register(world)
    first = endpoints(world)[0]
    world.stripe.endpoints[None][first.id] = replace(first, **fault)

    (action, faults), second = register(world)

    assert (action, len(faults), second) == ("repaired", 1, ("in order", ()))
    assert endpoints(world)[0] == first


def test_an_endpoint_that_is_missing_is_created_again(world: World):
    register(world)
    del world.stripe.endpoints[None][endpoints(world)[0].id]

    assert [action for action, _ in register(world)] == ["created", "in order"]
    assert {each.stripe_endpoint_id for each in world.bridge.receivers.list()} == {
        each.id for each in endpoints(world)
    }


def test_an_endpoint_of_another_api_version_is_replaced(world: World):
    register(world)
    first = endpoints(world)[0]
    world.stripe.endpoints[None][first.id] = replace(first, api_version="2020-01-01")

    (action, faults), _ = register(world)

    assert action == "created"
    assert "2020-01-01" in faults[0]
    assert first.id not in world.stripe.endpoints[None]
    assert len(endpoints(world)) == 2


def test_an_endpoint_whose_secret_was_lost_is_removed_before_another_is_created(world: World):
    world.fail("create_endpoint", OutcomeUnknown("cut"), after_effect=True)
    with pytest.raises(OutcomeUnknown):
        register(world)
    world.clock.advance(A_WHILE)

    register(world)

    assert_both_are_there_once(world)


def test_a_call_that_stripe_did_not_answer_is_finished_by_a_worker(world: World):
    world.fail("create_endpoint", OutcomeUnknown("cut"), after_effect=True)
    with pytest.raises(OutcomeUnknown):
        register(world)
    for _ in range(3):
        world.clock.advance(A_WHILE)
        world.work_off()

    assert [action for action, _ in register(world)] == ["in order", "created"]
    assert_both_are_there_once(world)


def test_a_call_for_a_former_url_is_followed_by_one_for_the_present_url(world: World):
    world.fail("create_endpoint", OutcomeUnknown("cut"))
    with pytest.raises(OutcomeUnknown):
        register(world)
    world.clock.advance(A_WHILE)
    world.settings = Settings.from_env(ENVIRONMENT | {"PUBLIC_URL": "https://moved.test"})
    world.restart()

    register(world)

    assert {each.url for each in endpoints(world)} == {"https://moved.test/api/webhooks/stripe"}
    assert_both_are_there_once(world)


def test_what_stripe_refuses_is_raised_and_stays_listed(world: World):
    world.fail("create_endpoint", GatewayRefused("no such URL"))

    with pytest.raises(GatewayRefused) as caught:
        register(world)

    assert caught.value.reason == "no such URL"
    (failed,) = world.bridge.intents.list(
        IntentFilter(states=frozenset({IntentState.FAILED})), PageRequest()
    ).items
    assert (failed.subject, failed.tenant_id, failed.last_error) == ("receiver:platform", None, "no such URL")


@pytest.mark.parametrize("method", ["endpoints", "create_endpoint"])
def test_registering_twice_at_once_creates_no_second_endpoint(world: World, method: str):
    def meanwhile() -> None:
        # In a single thread the other call cannot continue, so waiting for it is in vain.
        with suppress(OutcomeUnknown):
            register(world)

    world.stripe.before_next(method, meanwhile)
    register(world)

    assert_both_are_there_once(world)


@pytest.mark.parametrize("method", ["delete_endpoint", "create_endpoint"])
def test_replacing_twice_at_once_creates_no_second_endpoint(world: World, method: str):
    register(world)
    for each in endpoints(world):
        world.stripe.endpoints[None][each.id] = replace(each, api_version="2020-01-01")

    def meanwhile() -> None:
        with suppress(OutcomeUnknown):
            register(world)

    world.stripe.before_next(method, meanwhile)
    register(world)

    assert_both_are_there_once(world)


def test_of_several_threads_that_register_all_find_the_same_endpoints(world: World):
    outcomes = at_once(4, lambda _: register(world))

    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert_both_are_there_once(world)


def test_orphans_beside_a_known_endpoint_are_reported_and_removed(world: World):
    register(world)
    first = endpoints(world)[0]
    world.stripe.endpoints[None]["we_orphan"] = replace(first, id="we_orphan")

    (action, faults), second = register(world)

    assert (action, second) == ("repaired", ("in order", ()))
    assert faults == ("endpoints whose secrets are not stored also send here: 1",)
    assert_both_are_there_once(world)
    assert register(world) == [("in order", ()), ("in order", ())]


def test_an_endpoint_that_others_created_is_left_alone(world: World):
    register(world)
    first = endpoints(world)[0]
    world.stripe.endpoints[None]["we_other"] = replace(first, id="we_other", metadata={})

    assert register(world) == [("in order", ()), ("in order", ())]
    assert len(endpoints(world)) == 3


def assert_both_are_there_once(world: World) -> None:
    """Assert it at Stripe and here."""
    kinds = [each.metadata["bridge_receiver"] for each in endpoints(world)]
    assert sorted(kinds) == ["connect", "platform"]
    ours = world.bridge.receivers.list()
    assert sorted(each.kind for each in ours) == ["connect", "platform"]
    assert {each.stripe_endpoint_id for each in ours} == {each.id for each in endpoints(world)}


def test_a_merchants_own_endpoint_is_attached_by_its_secret(world: World):
    world.connect()

    receiver = world.bridge.receivers.attach(world.integration_id, "whsec_own")

    assert receiver.stripe_endpoint_id is None
    assert receiver.url == f"{URL}/{world.integration_id}"
    assert receiver in world.bridge.receivers.list()
    with pytest.raises(IntegrationNotFound):
        world.bridge.receivers.attach(404, "whsec_own")


def test_what_is_attached_takes_the_place_of_what_no_key_opens_any_more(world: World):
    world.connect()
    kept = world.bridge.receivers.attach(world.integration_id, "whsec_kept")
    lost = world.bridge.receivers.attach(world.integration_id, "whsec_lost")
    with world.store.writing() as work:
        work.receivers.save(replace(lost, sealed_secret="broken"))
        work.commit()

    attached = world.bridge.receivers.attach(world.integration_id, "whsec_anew")

    assert world.bridge.receivers.list() == [kept, attached]
    event = world.event("invoice.updated", {"id": "in_1", "object": "invoice"})
    assert world.receive(event, into=world.integration_id, secret="whsec_anew")

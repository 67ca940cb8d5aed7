"""Whether Stripe still sends what it should is checked, and what is known of it kept up to date."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.config import Settings
from stripe_bridge.domain.stripe_objects import WebhookEndpoint
from stripe_bridge.ports.stripe.errors import OutcomeUnknown
from tests.builders import TENANT
from tests.fakes.stripe.fake_stripe import FakeStripe
from tests.fakes.stripe.receivers import FakeReceiverGateway
from tests.world import ENVIRONMENT, World

MINUTES = timedelta(minutes=1)


def enabled(world: World) -> list[bool]:
    return [receiver.enabled for receiver in world.bridge.receivers.list()]


def disable(world: World) -> None:
    endpoints = world.stripe.endpoints[None]
    for endpoint in endpoints.values():
        endpoints[endpoint.id] = replace(endpoint, enabled=False)


CHECKS: dict[str, Callable[[World], object]] = {
    "asked": lambda world: world.bridge.receivers.check(),
    "due": lambda world: world.bridge.receivers.check_due(),
}


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_a_receiver_that_stripe_disabled_is_stored_as_disabled(
    world: World, check: Callable[[World], object]
):
    world.bridge.receivers.register()
    view = world.bridge.integrations.show
    assert view(TENANT, world.integration_id).webhook_registered
    disable(world)
    world.clock.advance(15 * MINUTES)

    check(world)

    assert enabled(world) == [False, False]
    assert not view(TENANT, world.integration_id).webhook_registered


@pytest.mark.parametrize("whose", ["the platform's", "its own"])
def test_an_endpoint_with_a_former_url_counts_for_nothing(world: World, whose: str):
    if whose == "its own":
        world.allow_own_endpoints()
    else:
        world.bridge.receivers.register()
    integration_id = world.connect()
    world.settings = Settings.from_env(ENVIRONMENT | {"PUBLIC_URL": "https://moved.test"})
    world.restart()

    world.bridge.receivers.check()
    world.bridge.reconciliation.reconcile(integration_id)

    assert not world.bridge.integrations.show(TENANT, integration_id).webhook_registered


FAULTS: dict[str, dict[str, object]] = {
    "disabled": {"enabled": False},
    "elsewhere": {"url": "https://elsewhere.test"},
    "without our events": {"enabled_events": frozenset({"account.updated"})},
    "of another version": {"api_version": "2020-01-01"},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("whose", ["the platform's", "its own"])
def test_an_endpoint_that_does_not_send_us_our_events_counts_for_nothing(
    world: World, whose: str, fault: dict[str, object]
):
    if whose == "its own":
        world.allow_own_endpoints()
    else:
        world.bridge.receivers.register()
    integration_id = world.connect()
    endpoints = world.stripe.endpoints[world.account_id if whose == "its own" else None]

    def is_registered() -> bool:
        world.bridge.receivers.check()
        world.bridge.reconciliation.reconcile(integration_id)
        registered: bool = world.bridge.integrations.show(TENANT, integration_id).webhook_registered
        return registered

    assert is_registered()
    sound = dict(endpoints)
    for endpoint in sound.values():
        endpoints[endpoint.id] = replace(endpoint, **fault)
    assert not is_registered()
    endpoints.update(sound)
    assert is_registered()


def test_what_is_known_of_receivers_stays_while_stripe_is_unreachable(world: World):
    world.bridge.receivers.register()
    world.clock.advance(15 * MINUTES)
    world.stripe.fail_next("endpoints", OutcomeUnknown("no answer"))

    world.bridge.receivers.check_due()

    assert enabled(world) == [True, True]


def test_receivers_are_not_checked_again_before_their_time(world: World):
    world.bridge.receivers.register()
    disable(world)

    world.bridge.receivers.check_due()

    assert enabled(world) == [True, True]


@pytest.mark.parametrize(("by_hand", "times"), [("", 1), ("whsec_by_hand", 0)])
def test_that_no_receiver_was_registered_is_logged_once_per_period(
    by_hand: str, times: int, caplog: pytest.LogCaptureFixture
):
    world = World(STRIPE_WEBHOOK_SECRETS=by_hand)

    for _ in range(3):
        world.clock.advance(MINUTES)
        world.bridge.receivers.check_due()

    assert sum("no webhook endpoint registered" in each.message for each in caplog.records) == times


class LateList(FakeReceiverGateway):
    """Something happens after Stripe made the list, and before it arrives."""

    def __init__(self, stripe: FakeStripe, meanwhile: list[Callable[[], object]]) -> None:
        super().__init__(stripe)
        self.meanwhile = meanwhile

    def endpoints(self, account_id: str | None) -> Sequence[WebhookEndpoint]:
        listed = super().endpoints(account_id)
        while self.meanwhile:
            self.meanwhile.pop()()
        return listed


def test_a_receiver_that_is_registered_while_stripe_answers_is_not_taken_for_a_missing_one(world: World):
    def register() -> None:
        world.clock.advance(timedelta(seconds=1))
        world.bridge.receivers.register()

    late = LateList(world.stripe, [register])
    world.restart(lambda adapters: replace(adapters, receiver_gateway=late))

    world.bridge.receivers.check()

    assert enabled(world) == [True, True]

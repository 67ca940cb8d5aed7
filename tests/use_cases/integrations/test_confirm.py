from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta

import pytest

from stripe_bridge.domain.errors.base import IntegrationNotFound
from stripe_bridge.domain.errors.conflicts import AuthorizationFailed
from stripe_bridge.domain.errors.rules import ConfirmationInvalid
from stripe_bridge.domain.integration import AuthorizationFailure
from stripe_bridge.domain.refusal import Refusal
from stripe_bridge.ports.stripe.errors import GatewayRefused, OutcomeUnknown
from stripe_bridge.use_cases.integrations.connect import AuthorizationStatus
from tests.builders import TENANT
from tests.world import World


@pytest.fixture
def world() -> World:
    """A world with an integration that was never connected."""
    world = World()
    world.integration_id = world.add_integration()
    return world


CONFIRMATION_LIFETIME = timedelta(minutes=4)


def to_be_confirmed(world: World, account_id: str | None = None) -> str:
    """A merchant comes back from Stripe; the confirmation that the ERP gets."""
    state = world.authorize(world.integration_id, confirm=True)
    outcome = world.come_back(state=state, code=world.consent(account_id))
    assert outcome.status is AuthorizationStatus.CONFIRM
    assert outcome.pending is not None
    return outcome.pending.confirmation


def confirm(world: World, confirmation: str, tenant: str = TENANT, integration_id: int | None = None):
    return world.bridge.integrations.confirm_authorization(
        tenant, integration_id or world.integration_id, confirmation
    )


def is_connected(world: World) -> bool:
    connected: bool = world.bridge.integrations.show(TENANT, world.integration_id).integration.connected
    return connected


def test_the_callback_redeems_nothing_before_it_is_confirmed(world: World):
    to_be_confirmed(world, "acct_1")

    assert "redeem" not in world.calls()
    assert not is_connected(world)
    assert not world.stripe.accounts["acct_1"].connected


def test_a_confirmation_connects_the_account_and_shows_the_integration(world: World):
    view = confirm(world, to_be_confirmed(world, "acct_1"))

    assert view.integration.stripe_account_id == "acct_1"
    assert view == world.bridge.integrations.show(TENANT, world.integration_id)
    assert world.calls().count("redeem") == 1


def test_what_is_to_be_confirmed_names_the_integration_and_the_tenant(world: World):
    state = world.authorize(world.integration_id, confirm=True)

    outcome = world.come_back(state=state, code=world.consent())

    assert outcome.integration_id == world.integration_id
    assert outcome.pending is not None
    assert (outcome.pending.integration_name, outcome.pending.tenant_id) == ("Main shop", TENANT)


def test_a_confirmation_works_once(world: World):
    confirmation = to_be_confirmed(world)
    confirm(world, confirmation)
    world.bridge.integrations.disconnect(TENANT, world.integration_id)

    with pytest.raises(ConfirmationInvalid):
        confirm(world, confirmation)
    assert world.calls().count("redeem") == 1


def test_of_two_confirmations_at_once_one_redeems_the_code(world: World):
    confirmation = to_be_confirmed(world)
    refused = []

    def confirm_again() -> None:
        with pytest.raises(ConfirmationInvalid) as caught:
            confirm(world, confirmation)
        refused.append(caught.value)

    world.stripe.before_next("redeem", confirm_again)
    confirm(world, confirmation)

    assert len(refused) == 1
    assert world.calls().count("redeem") == 1
    assert is_connected(world)


def test_a_confirmation_is_good_for_four_minutes_and_no_longer(world: World):
    late = to_be_confirmed(world)
    world.clock.advance(CONFIRMATION_LIFETIME - timedelta(seconds=1))
    early = to_be_confirmed(world)
    world.clock.advance(seconds=1)

    with pytest.raises(ConfirmationInvalid):
        confirm(world, late)
    assert "redeem" not in world.calls()
    world.clock.advance(CONFIRMATION_LIFETIME - timedelta(seconds=2))
    assert confirm(world, early).integration.connected


@pytest.mark.parametrize("guess", ["made-up", "\udcff", ""])
def test_a_confirmation_that_was_never_given_out_is_refused(world: World, guess: str):
    to_be_confirmed(world)

    with pytest.raises(ConfirmationInvalid):
        confirm(world, guess)
    assert not is_connected(world)


def of_another_tenant(world: World, confirmation: str) -> None:
    theirs = world.add_integration(tenant="other")
    with pytest.raises(ConfirmationInvalid):
        confirm(world, confirmation, "other", theirs)
    with pytest.raises(IntegrationNotFound):
        confirm(world, confirmation, "other")


def of_another_integration(world: World, confirmation: str) -> None:
    with pytest.raises(ConfirmationInvalid):
        confirm(world, confirmation, integration_id=world.add_integration())


@pytest.mark.parametrize("attempt", [of_another_tenant, of_another_integration])
def test_a_confirmation_is_good_for_its_own_integration_only_and_not_used_up_by_others(
    world: World, attempt: Callable[[World, str], None]
):
    confirmation = to_be_confirmed(world)

    attempt(world, confirmation)

    assert "redeem" not in world.calls()
    assert confirm(world, confirmation).integration.connected


def test_who_started_the_authorization_cannot_confirm_for_the_merchant_whom_the_link_was_given_to(
    world: World,
):
    state = world.authorize(world.integration_id, confirm=True)
    world.come_back(state=state, code=world.consent("acct_victim"))

    (stored,) = world.store.committed.oauth_states.rows.values()
    for guess in (state, stored.state_hash, stored.code_hash, stored.confirmation_hash):
        assert guess is not None
        with pytest.raises(ConfirmationInvalid):
            confirm(world, guess)
    world.clock.advance(CONFIRMATION_LIFETIME)
    assert not world.stripe.accounts["acct_victim"].connected


def test_a_confirmation_cannot_be_derived_from_the_state_alone():
    states, confirmations = set(), set()
    for code in ("ac_mine", "ac_theirs"):
        world = World()
        state = world.authorize(world.add_integration(), confirm=True)
        outcome = world.come_back(state=state, code=code)
        assert outcome.pending is not None
        states.add(state)
        confirmations.add(outcome.pending.confirmation)

    assert (len(states), len(confirmations)) == (1, 2)


def test_the_state_alone_leads_to_no_confirmation(world: World):
    state = world.authorize(world.integration_id, confirm=True)
    world.come_back(state=state, code=world.consent())

    again = world.come_back(state=state, code=world.consent())

    assert (again.reason, again.pending) == (AuthorizationFailure.STATE_USED, None)


def test_a_reload_before_the_confirmation_gives_the_same_one_and_after_it_says_connected(world: World):
    redirect = {"state": world.authorize(world.integration_id, confirm=True), "code": world.consent()}
    first = world.come_back(**redirect)
    before = world.store.committed

    assert world.come_back(**redirect) == first
    assert world.store.committed == before

    assert first.pending is not None
    confirm(world, first.pending.confirmation)
    assert world.come_back(**redirect).status is AuthorizationStatus.CONNECTED
    assert world.calls().count("redeem") == 1


def test_a_reload_when_it_is_too_late_to_confirm_is_refused(world: World):
    redirect = {"state": world.authorize(world.integration_id, confirm=True), "code": world.consent()}
    world.come_back(**redirect)
    world.clock.advance(CONFIRMATION_LIFETIME)

    assert world.come_back(**redirect).reason is AuthorizationFailure.STATE_USED


def test_after_a_lost_answer_of_stripes_one_authorizes_again(world: World):
    confirmation = to_be_confirmed(world)
    world.fail("redeem", OutcomeUnknown("cut"), after_effect=True)

    with pytest.raises(AuthorizationFailed) as failed:
        confirm(world, confirmation)
    assert failed.value.reason == AuthorizationFailure.STRIPE_UNAVAILABLE
    with pytest.raises(ConfirmationInvalid):
        confirm(world, confirmation)

    assert world.calls().count("redeem") == 1
    confirm(world, to_be_confirmed(world))
    assert is_connected(world)


@pytest.mark.parametrize("method", ["redeem", "account"])
def test_what_stripe_refused_is_passed_on_to_whoever_confirmed(world: World, method: str):
    said = Refusal(message="No.", code="invalid_grant", request_id="req_1")
    confirmation = to_be_confirmed(world)
    world.fail(method, GatewayRefused("No. (Stripe's request req_1)", refusal=said))

    with pytest.raises(AuthorizationFailed) as failed:
        confirm(world, confirmation)

    assert failed.value.refusal == said
    assert not is_connected(world)


def test_an_account_in_use_elsewhere_is_not_connected_by_a_confirmation_either(world: World):
    mine = world.integration_id
    world.connect("acct_taken", tenant="other")
    world.integration_id = mine

    with pytest.raises(AuthorizationFailed) as failed:
        confirm(world, to_be_confirmed(world, "acct_taken"))

    assert failed.value.reason == AuthorizationFailure.ACCOUNT_IN_USE


def test_an_integration_connected_meanwhile_is_not_connected_again(world: World):
    confirmation = to_be_confirmed(world, "acct_late")
    late = world.authorize(world.integration_id, confirm=True)
    world.connect("acct_first", into=world.integration_id)

    with pytest.raises(AuthorizationFailed) as failed:
        confirm(world, confirmation)
    assert failed.value.reason == AuthorizationFailure.ALREADY_CONNECTED
    redirect = {"state": late, "code": world.consent()}
    assert world.come_back(**redirect).reason is AuthorizationFailure.ALREADY_CONNECTED
    assert world.come_back(**redirect).reason is AuthorizationFailure.STATE_USED
    assert not world.stripe.accounts["acct_late"].connected


def test_a_denial_needs_no_confirmation(world: World):
    state = world.authorize(world.integration_id, confirm=True)

    assert world.come_back(state=state, error="access_denied").status is AuthorizationStatus.DENIED


def test_code_and_confirmation_are_stored_so_that_nobody_can_use_them_and_the_code_goes(world: World):
    code = world.consent()
    outcome = world.come_back(state=world.authorize(world.integration_id, confirm=True), code=code)
    assert outcome.pending is not None
    confirmation = outcome.pending.confirmation

    (stored,) = world.store.committed.oauth_states.rows.values()
    assert stored.sealed_code is not None
    assert world.adapters.vault.open(stored.sealed_code) == code
    assert confirmation not in str(asdict(stored)) + repr(outcome)
    assert stored.sealed_code not in repr(stored)

    confirm(world, confirmation)
    (stored,) = world.store.committed.oauth_states.rows.values()
    assert stored.sealed_code is None

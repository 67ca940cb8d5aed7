from dataclasses import asdict
from datetime import timedelta

import pytest

from stripe_bridge.domain.errors.base import IntegrationNotFound
from stripe_bridge.domain.errors.conflicts import AlreadyConnected
from stripe_bridge.domain.integration import AuthorizationFailure, SyncStatus
from stripe_bridge.use_cases.integrations.connect import (
    AuthorizationOutcome,
    AuthorizationStatus,
    CallbackCommand,
)
from tests.builders import TENANT
from tests.world import World


@pytest.fixture
def world() -> World:
    """A world with an integration that was never connected."""
    world = World()
    world.integration_id = world.add_integration()
    return world


def failed(reason: AuthorizationFailure, integration_id: int | None) -> AuthorizationOutcome:
    return AuthorizationOutcome(
        status=AuthorizationStatus.FAILED, integration_id=integration_id, reason=reason
    )


def shown(world: World, integration_id: int | None = None):
    return world.bridge.integrations.show(TENANT, integration_id or world.integration_id).integration


def test_a_consent_connects_the_integration_with_the_accounts_snapshot(world: World):
    world.connect(into=world.integration_id, country="DE")

    integration = shown(world)
    assert integration.sync_status is SyncStatus.ACTIVE
    assert integration.snapshot.country == "DE"
    assert integration.connected_at == world.clock.now()


def test_a_denial_with_a_state_names_its_integration_and_uses_the_state_up(world: World):
    state = world.authorize(world.integration_id)

    denied = world.come_back(state=state, error="access_denied")

    assert denied.status is AuthorizationStatus.DENIED
    assert denied.integration_id == world.integration_id
    again = world.come_back(state=state, code=world.consent())
    assert again.reason is AuthorizationFailure.STATE_USED


def test_a_denial_may_come_without_a_state(world: World):
    assert world.come_back(error="access_denied") == AuthorizationOutcome(
        status=AuthorizationStatus.DENIED, integration_id=None
    )


@pytest.mark.parametrize("error", ["invalid_scope", "server_error", "made up"])
def test_another_error_than_a_denial_is_a_failure_and_uses_the_state_up(world: World, error: str):
    state = world.authorize(world.integration_id)

    assert world.come_back(state=state, error=error) == failed(
        AuthorizationFailure.STRIPE_REFUSED, world.integration_id
    )
    again = world.come_back(state=state, code=world.consent())
    assert again.reason is AuthorizationFailure.STATE_USED
    assert world.come_back(error=error) == failed(AuthorizationFailure.STRIPE_REFUSED, None)


@pytest.mark.parametrize("state", [None, "", "made-up", "\udcff"])
def test_a_state_that_was_never_given_out_is_unknown(world: World, state: str | None):
    outcome = world.come_back(state=state, code=world.consent())

    assert outcome == failed(AuthorizationFailure.STATE_UNKNOWN, None)
    assert "redeem" not in world.calls()


def test_a_state_works_once_also_after_a_success_and_changes_nothing_then(world: World):
    state = world.authorize(world.integration_id)
    world.come_back(state=state, code=world.consent())
    before = shown(world)

    again = world.come_back(state=state, code=world.consent())

    assert again == failed(AuthorizationFailure.STATE_USED, world.integration_id)
    assert shown(world) == before
    assert world.calls().count("redeem") == 1


def test_the_page_after_connecting_is_the_same_when_it_is_loaded_again(world: World):
    redirect = {"state": world.authorize(world.integration_id), "code": world.consent()}
    first = world.come_back(**redirect)
    before, calls = world.store.committed, world.calls()

    world.clock.advance(timedelta(hours=1))
    again = world.come_back(**redirect)

    assert again == first
    assert again.status is AuthorizationStatus.CONNECTED
    assert world.calls() == calls
    assert world.store.committed == before


def test_an_error_with_the_state_of_a_success_does_not_repeat_the_success(world: World):
    state, code = world.authorize(world.integration_id), world.consent()
    world.come_back(state=state, code=code)

    for redirect in ({"error": "access_denied"}, {"error": "access_denied", "code": code}):
        again = world.come_back(state=state, **redirect)
        assert again == failed(AuthorizationFailure.STATE_USED, world.integration_id)


def test_a_failure_is_not_repeated_for_the_code_is_used_up(world: World):
    state = world.authorize(world.integration_id)
    assert world.come_back(state=state, code="ac_made_up").reason is AuthorizationFailure.CODE_REFUSED

    assert world.come_back(state=state, code="ac_made_up").reason is AuthorizationFailure.STATE_USED


def test_while_the_first_request_is_not_done_the_same_code_again_is_refused(world: World):
    redirect = {"state": world.authorize(world.integration_id), "code": world.consent()}
    meanwhile = []
    world.stripe.before_next("redeem", lambda: meanwhile.append(world.come_back(**redirect)))

    assert world.come_back(**redirect).status is AuthorizationStatus.CONNECTED

    assert meanwhile == [failed(AuthorizationFailure.STATE_USED, world.integration_id)]
    assert world.calls().count("redeem") == 1


def test_of_a_code_only_a_hash_is_stored(world: World):
    code = world.consent()
    world.come_back(state=world.authorize(world.integration_id), code=code)

    (stored,) = world.store.committed.oauth_states.rows.values()
    assert stored.code_hash is not None
    assert code not in repr(asdict(stored))


def test_a_state_is_good_for_ten_minutes_and_no_longer(world: World):
    early, late = world.authorize(world.integration_id), world.authorize(world.integration_id)
    world.clock.advance(timedelta(minutes=9, seconds=59))
    assert world.come_back(state=early, error="access_denied").status is AuthorizationStatus.DENIED
    world.clock.advance(seconds=1)

    assert world.come_back(state=late, code=world.consent()) == failed(
        AuthorizationFailure.STATE_EXPIRED, world.integration_id
    )


def test_a_state_connects_only_the_integration_that_it_was_given_for(world: World):
    other = world.add_integration(tenant="other")
    state = world.authorize(other, tenant="other")

    outcome = world.come_back(state=state, code=world.consent())

    assert outcome.integration_id == other
    assert not shown(world).connected


def test_an_authorization_of_another_tenants_integration_cannot_be_started(world: World):
    with pytest.raises(IntegrationNotFound):
        world.authorize(world.integration_id, tenant="other")


def test_an_integration_is_authorized_again_only_after_a_disconnect(world: World):
    second = world.authorize(world.integration_id)
    world.connect(into=world.integration_id)

    with pytest.raises(AlreadyConnected):
        world.authorize(world.integration_id)
    assert world.come_back(state=second, code=world.consent()) == failed(
        AuthorizationFailure.ALREADY_CONNECTED, world.integration_id
    )
    assert world.calls().count("redeem") == 1


@pytest.mark.parametrize("code", [None, "", "ac_made_up"])
def test_a_code_that_stripe_does_not_know_is_refused(world: World, code: str | None):
    outcome = world.come_back(state=world.authorize(world.integration_id), code=code)

    assert outcome == failed(AuthorizationFailure.CODE_REFUSED, world.integration_id)


def test_state_and_code_are_not_in_the_commands_repr():
    shown = repr(CallbackCommand(state="state_hunter2", code="ac_hunter2"))
    assert "hunter2" not in shown


def test_a_denial_is_reported_as_one_though_the_integration_was_connected_meanwhile(world: World):
    denied, approved = (world.authorize(world.integration_id) for _ in range(2))
    world.come_back(state=approved, code=world.stripe.consent())

    outcome = world.come_back(state=denied, error="access_denied")

    assert outcome.status is AuthorizationStatus.DENIED


def test_a_callback_without_code_or_error_leaves_its_state_good(world: World):
    state = world.authorize(world.integration_id)

    assert world.come_back(state=state) == failed(AuthorizationFailure.CODE_REFUSED, world.integration_id)

    outcome = world.come_back(state=state, code=world.stripe.consent())
    assert outcome.status is AuthorizationStatus.CONNECTED

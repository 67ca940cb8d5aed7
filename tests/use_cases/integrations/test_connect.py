from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.domain.errors.base import IntegrationNotFound
from stripe_bridge.domain.errors.conflicts import AlreadyConnected
from stripe_bridge.domain.integration import AuthorizationFailure, SyncStatus
from stripe_bridge.domain.intent import Operation
from stripe_bridge.ports.stripe.errors import (
    GatewayError,
    GatewayMisconfigured,
    GatewayRefused,
    OutcomeUnknown,
)
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


def test_the_granted_token_is_kept_sealed(world: World):
    world.connect(into=world.integration_id)

    sealed = shown(world).sealed_access_token
    assert sealed.startswith("sealed")
    assert world.adapters.vault.open(sealed).startswith("sk_test")


def test_an_account_that_cannot_charge_yet_is_connected_and_restricted(world: World):
    world.connect(into=world.integration_id, charges_enabled=False)

    assert shown(world).sync_status is SyncStatus.RESTRICTED


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


def test_a_consent_of_the_other_livemode_is_refused(world: World):
    world.stripe.livemode = True

    outcome = world.come_back(state=world.authorize(world.integration_id), code=world.consent())

    assert outcome == failed(AuthorizationFailure.CODE_REFUSED, world.integration_id)


@pytest.mark.parametrize("method", ["redeem", "account"])
@pytest.mark.parametrize("error", [OutcomeUnknown("cut"), GatewayMisconfigured("wrong key")])
def test_with_stripe_out_of_reach_nothing_is_connected_and_one_authorizes_again(
    world: World, method: str, error: GatewayError
):
    world.fail(method, error)

    outcome = world.come_back(state=world.authorize(world.integration_id), code=world.consent())

    assert outcome == failed(AuthorizationFailure.STRIPE_UNAVAILABLE, world.integration_id)
    assert not shown(world).connected
    world.connect(into=world.integration_id)


def test_a_code_is_never_redeemed_twice_not_even_when_the_answer_was_lost(world: World):
    world.fail("redeem", OutcomeUnknown("cut"), after_effect=True)
    state, code = world.authorize(world.integration_id), world.consent()

    world.come_back(state=state, code=code)
    world.come_back(state=state, code=code)

    assert world.calls().count("redeem") == 1


def test_an_account_that_is_live_in_another_tenant_is_in_use_and_stays_with_it(world: World):
    mine, live = world.integration_id, world.connect(tenant="other")
    world.integration_id = mine

    outcome = world.come_back(
        state=world.authorize(world.integration_id), code=world.consent(world.account_id)
    )

    assert outcome == failed(AuthorizationFailure.ACCOUNT_IN_USE, world.integration_id)
    world.work_off()
    assert world.lets_us_in()
    assert world.bridge.integrations.show("other", live).integration.connected


def test_an_integration_with_invoices_takes_no_other_account_and_the_grant_is_revoked(world: World):
    world.connect(into=world.integration_id)
    first = world.account_id
    world.sent()
    world.bridge.integrations.disconnect(TENANT, world.integration_id)

    code = world.consent("acct_other")
    outcome = world.come_back(state=world.authorize(world.integration_id), code=code)
    world.work_off()

    assert outcome == failed(AuthorizationFailure.OTHER_ACCOUNT, world.integration_id)
    assert not world.stripe.accounts["acct_other"].connected
    assert shown(world).account_id == first


def test_a_second_grant_with_another_account_is_revoked(world: World):
    first, second = (world.authorize(world.integration_id) for _ in range(2))
    code = world.consent("acct_second")
    world.stripe.before_next("redeem", lambda: world.come_back(state=first, code=world.consent("acct_first")))

    assert world.come_back(state=second, code=code).reason is AuthorizationFailure.ALREADY_CONNECTED
    world.work_off()

    assert world.stripe.accounts["acct_first"].connected
    assert not world.stripe.accounts["acct_second"].connected


def test_a_second_grant_with_the_same_account_leaves_it_connected(world: World):
    first, second = (world.authorize(world.integration_id) for _ in range(2))
    code = world.consent("acct_1")
    world.stripe.before_next("redeem", lambda: world.come_back(state=first, code=world.consent("acct_1")))

    assert world.come_back(state=second, code=code).reason is AuthorizationFailure.ALREADY_CONNECTED
    assert world.unsettled(world.integration_id) == []
    assert world.stripe.accounts["acct_1"].connected


def test_a_read_only_grant_is_revoked(world: World, monkeypatch: pytest.MonkeyPatch):
    redeem = world.adapters.connect_gateway.redeem
    monkeypatch.setattr(
        world.adapters.connect_gateway, "redeem", lambda code: replace(redeem(code), scope="read_only")
    )
    state, code = world.authorize(world.integration_id), world.consent("acct_1")

    assert world.come_back(state=state, code=code).reason is AuthorizationFailure.CODE_REFUSED
    world.work_off()

    assert not world.stripe.accounts["acct_1"].connected


def test_an_integration_without_invoices_may_take_another_account(world: World):
    world.connect(into=world.integration_id)
    world.bridge.integrations.disconnect(TENANT, world.integration_id)

    world.connect("acct_other", into=world.integration_id)

    assert shown(world).account_id == "acct_other"


@pytest.mark.parametrize("known", ["attached by hand", "of the same account"])
def test_a_receiver_that_may_be_the_accounts_stays_the_only_one(world: World, known: str):
    world.allow_own_endpoints()
    if known == "attached by hand":
        world.bridge.receivers.attach(world.integration_id, "whsec_by_hand")
    else:
        world.connect("acct_1", into=world.integration_id)
        world.fail("deauthorize", GatewayRefused("no"))
        world.bridge.integrations.disconnect(TENANT, world.integration_id)
    (receiver,) = world.bridge.receivers.list()

    world.connect("acct_1", into=world.integration_id)

    assert world.bridge.receivers.list() == [receiver]


def test_a_reconnect_continues_the_integration_with_its_invoices(world: World):
    world.connect(into=world.integration_id)
    invoice = world.sent()
    world.bridge.integrations.disconnect(TENANT, world.integration_id)

    world.connect(world.account_id, into=world.integration_id)

    world.bridge.invoices.void(TENANT, invoice.id)
    assert not world.payable_at_stripe()


def test_an_account_is_not_connected_while_its_last_disconnect_is_unsettled(world: World):
    world.connect(into=world.integration_id)
    world.fail("deauthorize", OutcomeUnknown("cut"))
    world.bridge.integrations.disconnect(TENANT, world.integration_id)

    outcome = world.come_back(
        state=world.authorize(world.integration_id), code=world.consent(world.account_id)
    )
    assert outcome == failed(AuthorizationFailure.SETTLING, world.integration_id)

    world.come_to_rest()
    world.connect(world.account_id, into=world.integration_id)
    assert world.lets_us_in()


def test_a_receiver_of_the_accounts_own_is_asked_for_and_its_absence_is_no_fault(world: World):
    world.connect(into=world.integration_id)

    assert "create_endpoint" in world.calls()
    assert shown(world).connected
    assert not world.unsettled()


def test_where_stripe_allows_it_the_account_gets_a_receiver_of_its_own(world: World):
    world.allow_own_endpoints()
    world.connect(into=world.integration_id)

    (receiver,) = world.bridge.receivers.list()
    assert {receiver.stripe_endpoint_id} == world.own_endpoints()
    assert receiver.url.endswith(f"/api/webhooks/stripe/{world.integration_id}")
    assert world.bridge.integrations.show(TENANT, world.integration_id).webhook_registered


def test_an_own_receiver_whose_secret_was_lost_with_the_answer_is_made_anew(world: World):
    world.allow_own_endpoints()
    world.fail("create_endpoint", OutcomeUnknown("cut"), after_effect=True)
    world.connect(into=world.integration_id)
    assert world.unsettled()[0].operation is Operation.CREATE_ENDPOINT

    world.come_to_rest()

    (receiver,) = world.bridge.receivers.list()
    assert {receiver.stripe_endpoint_id} == world.own_endpoints()


def test_a_request_for_an_own_receiver_ends_although_stripe_refuses_the_lookup(world: World):
    world.fail("create_endpoint", OutcomeUnknown("cut"))
    world.connect(into=world.integration_id)
    assert world.unsettled()[0].operation is Operation.CREATE_ENDPOINT

    world.come_to_rest()

    assert not world.unsettled()
    assert world.bridge.receivers.list() == []
    assert shown(world).connected


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


def test_a_reconnect_does_not_wait_for_an_earlier_request_for_a_receiver(world: World):
    world.allow_own_endpoints()
    world.fail("create_endpoint", OutcomeUnknown("cut"))
    world.connect("acct_1", into=world.integration_id)
    world.stripe.revoke("acct_1")
    world.bridge.reconciliation.reconcile(world.integration_id)
    assert not shown(world).connected
    assert world.unsettled()

    world.connect("acct_1", into=world.integration_id)
    world.come_to_rest()

    assert len(world.own_endpoints()) == 1

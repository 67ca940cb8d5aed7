from dataclasses import replace

import pytest

from stripe_bridge.domain.integration import AuthorizationFailure, SyncStatus
from stripe_bridge.domain.intent import Operation
from stripe_bridge.domain.origin import Actor, ActorType, Origin, dump_actor
from stripe_bridge.ports.origin import acting_as
from stripe_bridge.ports.stripe.errors import (
    GatewayError,
    GatewayMisconfigured,
    GatewayRefused,
    OutcomeUnknown,
)
from stripe_bridge.use_cases.integrations.connect import (
    AuthorizationOutcome,
    AuthorizationStatus,
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


def test_the_granted_token_is_kept_sealed(world: World):
    world.connect(into=world.integration_id)

    sealed = shown(world).sealed_access_token
    assert sealed.startswith("sealed")
    assert world.adapters.vault.open(sealed).startswith("sk_test")


def test_an_account_that_cannot_charge_yet_is_connected_and_restricted(world: World):
    world.connect(into=world.integration_id, charges_enabled=False)

    assert shown(world).sync_status is SyncStatus.RESTRICTED


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


@pytest.mark.parametrize(
    ("method", "reason"),
    [("redeem", AuthorizationFailure.CODE_REFUSED), ("account", AuthorizationFailure.STRIPE_REFUSED)],
)
def test_what_stripe_refuses_for_good_fails_in_stripes_words(
    world: World, method: str, reason: AuthorizationFailure, caplog: pytest.LogCaptureFixture
):
    world.fail(method, GatewayRefused("no access (Stripe's request req_1)"))

    outcome = world.come_back(state=world.authorize(world.integration_id), code=world.consent())

    assert outcome == failed(reason, world.integration_id)
    (record,) = [each for each in caplog.records if each.message == "authorization failed"]
    assert vars(record)["error"] == "no access (Stripe's request req_1)"


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
    assert world.has_access()
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
    assert world.has_access()


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


def test_a_request_for_an_own_receiver_ends_though_stripe_does_not_let_us_look(world: World):
    world.fail("create_endpoint", OutcomeUnknown("cut"))
    world.connect(into=world.integration_id)
    assert world.unsettled()[0].operation is Operation.CREATE_ENDPOINT

    world.come_to_rest()

    assert not world.unsettled()
    assert world.bridge.receivers.list() == []
    assert shown(world).connected


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


def test_the_log_says_that_the_merchant_has_connected_it():
    world = World()
    world.connect()

    with world.store.reading() as work:
        *_, connected = work.changes.page(TENANT, 0, 100)
    shown = connected.shown()
    assert shown["type"] == "integration.connected"
    assert shown["actor"] == {"type": "stripe", "id": world.account_id, "user_id": None}


def test_the_log_says_that_a_caller_has_connected_it_who_confirmed_it():
    caller = Actor(type=ActorType.TOKEN, id="token:7")
    world = World()
    with acting_as(Origin(actor=caller)):
        world.connect()

    with world.store.reading() as work:
        *_, connected = work.changes.page(TENANT, 0, 100)
    assert connected.shown()["actor"] == dump_actor(caller)

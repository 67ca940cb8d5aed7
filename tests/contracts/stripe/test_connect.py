from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from stripe_bridge.ports.stripe.connect import ConnectGateway
from stripe_bridge.ports.stripe.errors import AccessRevoked, GatewayBusy, GatewayRefused, OutcomeUnknown
from tests.contracts.stripe_worlds import BACK, EMULATED, FAKE, World


@pytest.fixture(params=[FAKE, EMULATED])
def world(request: pytest.FixtureRequest, wire_log: Path) -> Iterator[World]:
    with request.param(wire_log) as world:
        yield world


@pytest.fixture
def gateway(world: World) -> ConnectGateway:
    return world.connect


def test_a_merchant_is_asked_for_read_write_and_comes_back_with_the_state(gateway: ConnectGateway):
    url = gateway.authorize_url(state="s t/a&te", redirect_uri=BACK)

    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked.pop("client_id")
    assert asked == {
        "response_type": "code",
        "scope": "read_write",
        "state": "s t/a&te",
        "redirect_uri": BACK,
    }


def test_a_code_opens_the_account(world: World, gateway: ConnectGateway):
    granted = gateway.redeem(world.consent())

    assert (granted.scope, granted.livemode) == ("read_write", False)
    assert granted.access_token
    assert gateway.account(granted.account_id).account_id == granted.account_id


def test_an_unknown_code_is_refused(gateway: ConnectGateway):
    with pytest.raises(GatewayRefused) as caught:
        gateway.redeem("ac_never_given")

    assert caught.value.code == "invalid_grant"


def test_a_code_redeemed_twice_loses_what_it_gave(world: World, gateway: ConnectGateway):
    code = world.consent()
    account = gateway.redeem(code).account_id

    with pytest.raises(GatewayRefused):
        gateway.redeem(code)

    with pytest.raises(AccessRevoked):
        gateway.account(account)


def test_an_account_is_shown_as_it_is_now(world: World, gateway: ConnectGateway):
    account = world.connect_account()
    before = gateway.account(account)

    world.restrict(account)

    assert before.charges_enabled
    assert before.country
    assert not gateway.account(account).charges_enabled


def test_an_account_let_go_is_closed(world: World, gateway: ConnectGateway):
    account = world.connect_account()

    gateway.deauthorize(account)

    with pytest.raises(AccessRevoked):
        gateway.account(account)


def test_letting_go_of_what_is_not_connected_is_success(world: World, gateway: ConnectGateway):
    account = world.connect_account()
    world.revoke(account)

    gateway.deauthorize(account)
    gateway.deauthorize("acct_never_there")


def test_an_account_that_was_never_connected_does_not_let_us_in(gateway: ConnectGateway):
    with pytest.raises(AccessRevoked):
        gateway.account("acct_never_there")


def test_a_deauthorization_whose_answer_was_lost_has_been_made(world: World, gateway: ConnectGateway):
    account = world.connect_account()
    world.lose_the_answer_of_the_next("deauthorize")

    with pytest.raises(OutcomeUnknown):
        gateway.deauthorize(account)

    with pytest.raises(AccessRevoked):
        gateway.account(account)


def test_a_busy_stripe_keeps_the_code_good(world: World, gateway: ConnectGateway):
    code = world.consent()
    world.be_busy_for_the_next("redeem")

    with pytest.raises(GatewayBusy):
        gateway.redeem(code)

    assert gateway.redeem(code).account_id

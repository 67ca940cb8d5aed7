"""Against the emulator: what a fake could say of it would prove nothing."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from stripe_bridge.adapters.stripe_gateway.client import StripeConfig
from stripe_bridge.adapters.stripe_gateway.probe import StripeProbeGateway
from stripe_bridge.ports.stripe.errors import GatewayMisconfigured, OutcomeUnknown
from stripe_emulator.server import EmulatorServer

CALLBACK = "https://bridge.test/api/stripe/oauth/callback"


@pytest.fixture
def emulator() -> Iterator[EmulatorServer]:
    with EmulatorServer(redirect_uris=(CALLBACK,)) as server:
        yield server


@pytest.fixture
def config(emulator: EmulatorServer) -> StripeConfig:
    return StripeConfig(
        secret_key=emulator.settings.secret_key,
        client_id=emulator.settings.client_id,
        api_base=emulator.url,
        connect_base=emulator.url,
    )


@pytest.fixture
def probe(config: StripeConfig) -> StripeProbeGateway:
    return StripeProbeGateway(config)


@pytest.mark.parametrize("is_connected", [True, False])
def test_a_secret_key_may_read_everything(
    emulator: EmulatorServer, probe: StripeProbeGateway, is_connected: bool
):
    account = emulator.control.create_account("Shop", connected=True)["id"] if is_connected else None

    key = probe.key(account)

    assert (key.account_id, key.may_charge, key.refused) == ("acct_emulatorplatform", True, {})
    assert key.time is not None
    assert abs(key.time - datetime.now(UTC)).total_seconds() < 100


@pytest.mark.parametrize("kind", ["customers", "refunds", "webhook_endpoints"])
def test_what_a_restricted_key_may_not_read_is_named(
    emulator: EmulatorServer, probe: StripeProbeGateway, kind: str
):
    emulator.control.misbehave({"calls": [{"effect": "forbidden", "path": f"/v1/{kind}$"}]})

    assert list(probe.key(None).refused) == [kind]
    assert "required permissions" in probe.key(None).refused[kind]


def test_a_key_that_may_not_even_say_whose_it_is_is_probed_all_the_same(
    emulator: EmulatorServer, probe: StripeProbeGateway
):
    emulator.control.misbehave({"calls": [{"effect": "forbidden", "path": "/v1/account$"}]})

    key = probe.key(None)

    assert (key.account_id, key.time, list(key.refused)) == (None, None, ["account"])


def test_a_wrong_key_is_no_matter_of_permissions(config: StripeConfig):
    with pytest.raises(GatewayMisconfigured):
        StripeProbeGateway(replace(config, secret_key="sk_test_other")).key(None)


def test_only_a_registered_redirect_uri_and_the_right_client_id_lead_to_the_consent_page(
    config: StripeConfig,
):
    probe, stranger = StripeProbeGateway(config), StripeProbeGateway(replace(config, client_id="ca_other"))

    assert probe.refusal_of_consent(CALLBACK) is None
    assert probe.refusal_of_consent("https://elsewhere.test/") == "Stripe answers 400"
    assert stranger.refusal_of_consent(CALLBACK) == "Stripe answers 400"


def test_a_consent_page_that_cannot_be_reached_is_neither(config: StripeConfig):
    with pytest.raises(OutcomeUnknown):
        StripeProbeGateway(replace(config, connect_base="http://127.0.0.1:1")).refusal_of_consent(CALLBACK)


def test_probing_changes_nothing_at_stripe(emulator: EmulatorServer, probe: StripeProbeGateway):
    probe.key(None)
    probe.refusal_of_consent(CALLBACK)

    assert {exchange["method"] for exchange in map(json.loads, emulator.emulator.wire_log.lines())} == {"GET"}

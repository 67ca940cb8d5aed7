"""Connecting a merchant's account, and disconnecting it."""

import urllib.parse
from collections.abc import Callable

import pytest
import requests
import stripe

from stripe_emulator.server import EmulatorServer
from tests.emulator.conftest import client_of, error_code

RETURN_TO = "http://127.0.0.1:9/callback"


def authorize_url(platform: stripe.StripeClient, **params: str) -> str:
    given = {"scope": "read_write", "state": "opaque", "redirect_uri": RETURN_TO, **params}
    return platform.oauth.authorize_url(given)  # type: ignore[arg-type]  # the test also passes wrong values


def decide(url: str, **form: str) -> dict[str, str]:
    """Decide; returns what is sent to the redirect URI."""
    answer = requests.post(url, data=form, allow_redirects=False, timeout=60)
    assert answer.status_code == 303
    location = urllib.parse.urlsplit(answer.headers["Location"])
    assert answer.headers["Location"].startswith(RETURN_TO)
    return dict(urllib.parse.parse_qsl(location.query))


def redeem(platform: stripe.StripeClient, code: str) -> str:
    token = platform.oauth.token({"grant_type": "authorization_code", "code": code})
    return str(token.stripe_user_id)


def connect(platform: stripe.StripeClient, **form: str) -> tuple[str, str]:
    code = decide(authorize_url(platform), decision="approve", **form)["code"]
    return redeem(platform, code), code


def test_approving_makes_a_new_enabled_account_and_sends_back_code_scope_and_state(platform):
    answer = decide(authorize_url(platform), decision="approve")
    assert answer["state"] == "opaque"
    assert answer["scope"] == "read_write"
    token = platform.oauth.token({"grant_type": "authorization_code", "code": answer["code"]})
    assert (token.scope, token.livemode, token.token_type) == ("read_write", False, "bearer")
    account = platform.v1.accounts.retrieve(token.stripe_user_id)
    assert account.charges_enabled
    assert account.details_submitted


def test_approving_can_name_an_account_that_exists(emulator, platform):
    existing = emulator.control.create_account("Old Shop")["id"]
    assert connect(platform, account=existing)[0] == existing


def test_the_consent_page_names_the_platform_and_offers_the_existing_accounts(emulator, platform):
    emulator.control.create_account("Old Shop")
    page = requests.get(authorize_url(platform), timeout=60)
    assert page.status_code == 200
    assert emulator.settings.platform_name in page.text
    assert "Old Shop" in page.text
    assert 'value="approve"' in page.text
    assert 'value="deny"' in page.text


def test_denying_sends_back_the_error_with_the_state(platform):
    answer = decide(authorize_url(platform), decision="deny")
    assert answer == {
        "error": "access_denied",
        "error_description": "The user denied your request",
        "state": "opaque",
    }


def test_a_code_used_twice_revokes_everything_that_it_gave(emulator, platform):
    account, code = connect(platform)
    with pytest.raises(stripe.oauth_error.InvalidGrantError, match="already been used"):
        platform.oauth.token({"grant_type": "authorization_code", "code": code})
    with pytest.raises(stripe.PermissionError) as refusal:
        platform.v1.customers.list({}, {"stripe_account": account})
    assert error_code(refusal.value) == "account_invalid"


def test_a_code_lives_for_five_minutes(make_emulator: Callable[..., EmulatorServer]):
    now = [1_800_000_000.0]
    emulator = make_emulator(clock=lambda: now[0])
    platform = client_of(emulator, emulator.settings.secret_key)
    code = decide(authorize_url(platform), decision="approve")["code"]
    now[0] += 300
    with pytest.raises(stripe.oauth_error.InvalidGrantError, match="expired"):
        redeem(platform, code)


def test_an_unknown_code_and_an_unknown_grant_are_refused(platform):
    with pytest.raises(stripe.oauth_error.InvalidGrantError):
        redeem(platform, "ac_unknown")
    with pytest.raises(stripe.oauth_error.UnsupportedGrantTypeError):
        platform.oauth.token({"grant_type": "password"})
    with pytest.raises(stripe.oauth_error.InvalidRequestError):
        platform.oauth.token({"grant_type": "authorization_code"})


def test_an_access_token_works_as_a_key_until_the_account_is_let_go(emulator, platform):
    code = decide(authorize_url(platform), decision="approve")["code"]
    token = platform.oauth.token({"grant_type": "authorization_code", "code": code})
    merchant = client_of(emulator, token.access_token)
    with pytest.raises(stripe.PermissionError):
        merchant.v1.webhook_endpoints.list()
    assert merchant.v1.accounts.retrieve_current().id == token.stripe_user_id
    platform.oauth.deauthorize({"stripe_user_id": token.stripe_user_id})
    with pytest.raises(stripe.AuthenticationError):
        merchant.v1.accounts.retrieve_current()


def test_neither_codes_nor_tokens_stand_in_the_wire_log(emulator, platform):
    code = decide(authorize_url(platform), decision="approve")["code"]
    token = platform.oauth.token({"grant_type": "authorization_code", "code": code})
    log = "".join(emulator.emulator.wire_log.lines())
    assert token.stripe_user_id in log
    for secret in (code, token.access_token, token.refresh_token):
        assert secret not in log


def test_deauthorizing_what_is_not_connected_is_an_invalid_client(platform):
    account, _ = connect(platform)
    assert platform.oauth.deauthorize({"stripe_user_id": account}).stripe_user_id == account
    with pytest.raises(
        stripe.oauth_error.InvalidClientError, match=f"not connected to stripe account {account}"
    ):
        platform.oauth.deauthorize({"stripe_user_id": account})


def test_a_wrong_client_or_redirect_uri_is_shown_on_a_page_and_not_by_a_redirect(make_emulator):
    emulator = make_emulator(redirect_uris=(RETURN_TO,))
    platform = client_of(emulator, emulator.settings.secret_key)
    for url in (
        authorize_url(platform, redirect_uri="http://127.0.0.1:9/other"),
        authorize_url(platform).replace(emulator.settings.client_id, "ca_other"),
    ):
        answer = requests.post(url, data={"decision": "approve"}, allow_redirects=False, timeout=60)
        assert answer.status_code == 400
    assert decide(authorize_url(platform), decision="approve")["code"]


def test_an_unknown_scope_is_reported_in_the_redirect(platform):
    assert decide(authorize_url(platform, scope="everything"), decision="approve")["error"] == "invalid_scope"


def test_both_ends_of_a_connection_are_sent_to_connect_endpoints_as_applications(
    emulator, platform, receiver
):
    endpoint = {"url": receiver.url, "connect": True, "enabled_events": ["*"]}
    platform.v1.webhook_endpoints.create(endpoint)
    account, _ = connect(platform)
    emulator.control.revoke(account)
    events = receiver.wait_for(2)
    assert {event["type"] for event in events} == {
        "account.application.authorized",
        "account.application.deauthorized",
    }
    for event in events:
        assert event["account"] == account
        assert event["request"] is None
        assert event["data"]["object"]["id"] == emulator.settings.client_id

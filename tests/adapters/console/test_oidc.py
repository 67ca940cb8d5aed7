"""Signing in through an identity provider."""

from datetime import timedelta

import pytest
from werkzeug.test import Cookie

from stripe_bridge.adapters.identity import ClaimNames
from stripe_bridge.adapters.identity.oidc import BACKOFF, OidcClient, OidcSignIn
from stripe_bridge.domain.access import Role
from stripe_bridge.domain.origin import Actor, ActorType
from tests.adapters.console.browser import Browser, ConsoleWorld, text_of
from tests.adapters.identity.oidc_provider import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, OidcProvider
from tests.fakes.system import FrozenClock

START, PENDING = "/console/oidc/start", "stripe_bridge_console_oidc"
REFUSED = "The identity provider did not sign you in"
NAMES = ClaimNames(tenant="tenant", role="role", user="user_id")


class Setting:
    """A provider, and a console that trusts it."""

    def __init__(self, provider: OidcProvider, operator_claim: str | None = "ops") -> None:
        self.provider = provider
        client = OidcClient(
            issuer=provider.issuer,
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            redirect_uri=REDIRECT_URI,
            claim_names=NAMES,
            operator_claim=operator_claim,
        )
        # All worlds' clocks begin at the same time.
        self.clock = FrozenClock()
        self.world = ConsoleWorld(sign_in_provider=OidcSignIn(client, self.clock))

    def sign_in(self, browser: Browser, *, next_page: str | None = None, **changes: str):
        """There and back. Returns what the browser is answered."""
        query = {} if next_page is None else {"next": next_page}
        begun = browser.get(START, **query)
        assert begun.status_code == 302
        back = self.provider.approve(begun.headers["Location"], **changes)
        return browser.client.get(back.removeprefix("https://bridge.test"))

    def session(self):
        return self.world.bridge.access.list_console_sessions()[0]


def kept_by(browser: Browser) -> Cookie:
    cookie = browser.client.get_cookie(PENDING)
    assert cookie is not None
    return cookie


@pytest.fixture
def provider():
    with OidcProvider(lambda: FrozenClock().now().timestamp()) as started:
        yield started


@pytest.fixture
def setting(provider):
    return Setting(provider)


def test_whoever_the_provider_vouches_for_is_signed_in_with_tenant_and_role_as_it_says(setting):
    jane = Browser(setting.world)
    answer = setting.sign_in(jane, next_page="/console/tokens?x=1")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/tokens?x=1")
    page = text_of(jane.get("/console/tokens"))
    assert "u-7, admin" in page
    session = setting.session()
    assert (session.tenant_id, session.role, session.user_id) == ("acme", Role.ADMIN, 7)
    assert session.principal_for("acme").actor == Actor(type=ActorType.USER, id="u-7", user_id=7)


def test_the_page_leads_to_the_provider_and_keeps_where_one_wanted_to_go(setting):
    page = Browser(setting.world).get("/console/sign-in", next="/console/tokens").get_data(as_text=True)
    assert 'href="/console/oidc/start?next=%2Fconsole%2Ftokens"' in page
    assert "Sign in with 127.0.0.1" in page


def test_without_a_provider_there_is_no_such_way(world):
    assert "oidc" not in Browser(world).get("/console/sign-in").get_data(as_text=True)
    assert Browser(world).get(START).status_code == 401
    assert Browser(world).get("/console/oidc/callback", code="x", state="y").status_code == 401


@pytest.mark.parametrize(
    ("operator_claim", "claims", "is_operator"),
    [
        ("ops", {"ops": True}, True),
        ("ops", {"ops": "true"}, False),
        ("ops", {"ops": 1}, False),
        ("ops", {}, False),
        (None, {"ops": True, "": True}, False),
        ("groups=ops", {"groups": ["sales", "ops"]}, True),
        ("groups=ops", {"groups": "ops"}, True),
        ("groups=ops", {"groups": ["ops-readers"]}, False),
        ("groups=ops", {"groups": "ops,sales"}, False),
        ("groups=ops", {"groups": True}, False),
    ],
)
def test_an_operator_is_who_has_the_claim_and_nobody_else(provider, operator_claim, claims, is_operator):
    setting = Setting(provider, operator_claim)
    provider.claims |= claims
    assert setting.sign_in(Browser(setting.world)).status_code == 303
    assert setting.session().is_operator is is_operator


@pytest.mark.parametrize(
    "claims",
    [
        {"tenant": None},
        {"role": None},
        {"role": "owner"},
        {"role": ["admin"]},
        {"tenant": ""},
        {"tenant": 7},
        {"sub": ""},
        {"sub": "x" * 300},
    ],
)
def test_there_is_no_default_for_what_the_provider_does_not_say(setting, claims):
    setting.provider.claims |= claims
    answer = setting.sign_in(Browser(setting.world))
    assert answer.status_code == 401
    assert REFUSED in text_of(answer)
    assert setting.world.bridge.access.list_console_sessions() == []


@pytest.mark.parametrize(
    "fault",
    [
        "nonce",
        "no nonce",
        "audience",
        "party",
        "expired",
        "issuer of token",
        "unsigned",
        "shared secret",
        "key",
        "no ID token",
    ],
)
def test_an_id_token_that_is_not_for_this_sign_in_signs_nobody_in(setting, fault):
    setting.provider.breaks.add(fault)
    answer = setting.sign_in(Browser(setting.world))
    assert answer.status_code == 401
    assert REFUSED in text_of(answer)
    setting.provider.breaks.clear()
    assert setting.sign_in(Browser(setting.world)).status_code == 303


@pytest.mark.parametrize("changes", [{"state": "another"}, {"state": ""}, {"iss": "https://evil.example"}])
def test_an_answer_to_another_question_redeems_nothing(setting, changes):
    assert setting.sign_in(Browser(setting.world), **changes).status_code == 401
    assert setting.provider.redeemed == []


def test_a_way_back_works_in_the_browser_that_set_out_alone_and_once(setting):
    jane, mallory = Browser(setting.world), Browser(setting.world)
    back = setting.provider.approve(jane.get(START).headers["Location"])
    back = back.removeprefix("https://bridge.test")
    assert mallory.client.get(back).status_code == 401
    mallory.get(START)
    assert mallory.client.get(back).status_code == 401
    mallory.client.set_cookie(PENDING, kept_by(jane).value)
    assert mallory.client.get(back).status_code == 401
    assert setting.provider.redeemed == []
    assert jane.client.get(back).status_code == 303
    assert jane.client.get(back).status_code == 401


def test_what_is_kept_on_the_way_is_not_for_scripts_and_has_new_values_each_time(setting):
    jane = Browser(setting.world)
    urls = {jane.get(START).headers["Location"] for _ in range(3)}
    assert len(urls) == 3
    cookie = kept_by(jane)
    assert (cookie.secure, cookie.http_only, cookie.same_site) == (True, True, "Lax")


def test_somebody_who_did_not_agree_is_told_so(setting):
    jane = Browser(setting.world)
    jane.get(START)
    answer = jane.get("/console/oidc/callback", error="access_denied", state="x")
    assert answer.status_code == 401
    assert REFUSED in text_of(answer)


def test_signing_in_leads_nowhere_but_to_the_console(setting):
    answer = setting.sign_in(Browser(setting.world), next_page="https://evil.example/console")
    assert answer.headers["Location"] == "/console"


def test_who_signs_in_gets_a_new_secret_whatever_the_browser_had_before(setting):
    jane = Browser(setting.world)
    jane.get("/console/sign-in")
    before = jane.cookie()
    setting.sign_in(jane)
    assert jane.cookie() != before


@pytest.mark.parametrize("fault", ["down", "issuer"])
def test_a_provider_that_does_not_answer_or_is_not_the_one_that_is_set_is_unavailable(setting, fault):
    setting.provider.breaks.add(fault)
    answer = Browser(setting.world).get(START)
    assert answer.status_code == 503
    assert "The identity provider does not answer; try again." in text_of(answer)
    setting.provider.breaks.clear()
    setting.clock.advance(BACKOFF)
    assert setting.sign_in(Browser(setting.world)).status_code == 303


def test_a_provider_that_did_not_answer_is_left_alone_for_a_while(setting):
    """Anybody can ask for it: all threads would wait for one that hangs, and none be left for the API."""
    setting.provider.breaks.add("down")
    assert Browser(setting.world).get(START).status_code == 503
    setting.provider.breaks.clear()
    setting.clock.advance(BACKOFF - timedelta(seconds=1))
    assert Browser(setting.world).get(START).status_code == 503


def test_a_provider_that_goes_away_meanwhile_can_be_tried_again(setting):
    jane = Browser(setting.world)
    back = setting.provider.approve(jane.get(START).headers["Location"])
    setting.provider.breaks.add("down")
    assert jane.client.get(back.removeprefix("https://bridge.test")).status_code == 503


def test_a_provider_that_wants_its_secret_in_the_form_gets_it_there():
    now = FrozenClock().now().timestamp()
    with OidcProvider(lambda: now, methods=["client_secret_post"]) as provider:
        setting = Setting(provider)
        assert setting.sign_in(Browser(setting.world)).status_code == 303

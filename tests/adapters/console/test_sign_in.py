"""Signing in by a link, what the browser then keeps, and signing out."""

import logging
from datetime import timedelta

import pytest

from stripe_bridge.adapters.console.links import within
from stripe_bridge.domain.access import Role
from stripe_bridge.domain.console_session import LINK_LIFETIME, SESSION_LIFETIME
from tests.adapters.console.browser import Browser, ConsoleWorld, text_of

SECURE, PLAIN = "__Host-stripe_bridge_console", "stripe_bridge_console"
HERE = "http://127.0.0.1:8000"
NOT_GOOD = "The link was used before, is older than five minutes, or is not complete."


def cookie_of(browser: Browser, name: str = SECURE):
    return browser.client.get_cookie(name)


def signed_out(answer) -> bool:
    return answer.status_code == 302 and "/console/sign-in" in answer.headers["Location"]


def test_a_link_leads_to_a_page_and_only_its_button_uses_it_up(world):
    secret, scanner, jane = world.link(), Browser(world), Browser(world)
    for _ in range(2):
        page = scanner.get("/console/sign-in")
        assert page.status_code == 200
        assert "Sign in" in text_of(page)
        assert scanner.client.head("/console/sign-in").status_code == 200
    assert signed_out(scanner.get("/console/tokens"))
    assert jane.sign_in(secret).get("/console/tokens").status_code == 200


def test_the_whole_link_can_be_pasted_where_there_is_no_javascript(world):
    jane = Browser(world).sign_in(f" https://bridge.test/console/sign-in#{world.link()} ")
    assert jane.get("/console/tokens").status_code == 200


def test_a_link_that_was_used_signs_nobody_in(world):
    secret = world.link()
    Browser(world).sign_in(secret)
    late = Browser(world)
    answer = late.post("/console/sign-in", {"token": secret}, form="/console/sign-in")
    assert answer.status_code == 401
    assert NOT_GOOD in text_of(answer)
    assert signed_out(late.get("/console/tokens"))


def test_a_link_that_is_over_or_was_never_made_signs_nobody_in(world):
    over = world.link()
    world.clock.advance(LINK_LIFETIME)
    for secret in (over, "sbl_made_up", "", "sbc_made_up", "x" * 10_000):
        answer = Browser(world).post("/console/sign-in", {"token": secret}, form="/console/sign-in")
        assert answer.status_code == 401


def test_a_tokens_secret_signs_nobody_in(world):
    answer = Browser(world).post("/console/sign-in", {"token": world.token()}, form="/console/sign-in")
    assert answer.status_code == 401


def test_signing_in_leads_to_the_page_that_was_asked_for(world):
    asked = Browser(world).get("/console/tokens", x="1&2")
    jane = Browser(world)
    form = asked.headers["Location"]
    answer = jane.client.post(form, data={"csrf": jane.csrf(form), "token": world.link()})
    assert answer.headers["Location"] == "/console/tokens?x=1%262"
    assert jane.get(answer.headers["Location"]).status_code == 200


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example",
        "//evil.example/console",
        "/\\evil.example",
        "/console\\@evil.example",
        "/console/../api/me",
        "/console/%2e%2e/api/me",
        "/console/.%2E/api/me",
        "/consoleevil",
        "/console/tokens\r\nX-Evil: 1",
        "/console//evil.example",
        "javascript:alert(1)",
        "console/tokens",
        "/api/me",
        "/console?" + "x" * 3000,
    ],
)
def test_signing_in_leads_nowhere_but_to_the_console(world, elsewhere):
    page = Browser(world).get("/console/sign-in", next=elsewhere)
    assert "evil" not in page.get_data(as_text=True)
    jane = Browser(world)
    fields = {"token": world.link(), "csrf": jane.csrf("/console/sign-in")}
    answer = jane.client.post("/console/sign-in", data=fields, query_string={"next": elsewhere})
    assert answer.headers["Location"] == "/console"


def test_below_a_proxys_path_all_addresses_begin_with_it():
    world = ConsoleWorld(public_url="https://bridge.test/stripe")
    with world.app.test_request_context("/console/tokens"):
        assert within("/console/tokens?x=1") == "/stripe/console/tokens?x=1"
    asked = Browser(world).get("/console/tokens")
    assert asked.headers["Location"] == "/stripe/console/sign-in?next=%2Fconsole%2Ftokens"
    page = world.visitor().get("/console/tokens").get_data(as_text=True)
    assert 'href="/stripe/console/tokens/new"' in page
    assert 'href="/console' not in page


def test_neither_the_host_nor_what_a_proxy_says_of_it_leads_anywhere(world):
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    jane = world.visitor()
    for path in ("/console", "/console/", "/console/tokens", "/console/tokens/", "/console//tokens"):
        for client in (jane.client, world.app.test_client()):
            answer = client.get(path, headers=headers)
            assert "evil" not in answer.get_data(as_text=True) + str(answer.headers)


def test_a_sessions_cookie_is_for_this_host_over_https_and_not_for_scripts(world):
    cookie = cookie_of(world.visitor())
    assert (cookie.secure, cookie.http_only, cookie.same_site) == (True, True, "Lax")
    assert (cookie.path, cookie.origin_only) == ("/", True)
    assert cookie.max_age == SESSION_LIFETIME.total_seconds()


def test_on_loopback_there_is_a_session_without_https_and_elsewhere_there_is_none():
    here = ConsoleWorld(public_url=HERE).visitor()
    assert cookie_of(here, PLAIN).secure is False
    assert cookie_of(here, PLAIN).http_only is True
    elsewhere = ConsoleWorld(public_url="http://bridge.internal")
    assert cookie_of(elsewhere.visitor()).secure is True
    page = text_of(Browser(elsewhere).get("/console/sign-in"))
    assert "Without it, browsers keep no console session." in page


def test_a_sessions_cookie_is_good_for_nothing_but_the_console(world):
    secret = cookie_of(world.visitor()).value
    assert world.ask("GET", "/api/me", token=secret).status_code == 401
    client = world.visitor().client
    assert client.get("/api/me").status_code == 401


def test_who_signs_in_gets_a_new_secret_whatever_the_browser_had_before(world):
    jane = Browser(world)
    jane.get("/console/sign-in")
    before = cookie_of(jane).value
    jane.sign_in(world.link())
    after = cookie_of(jane).value
    assert before != after
    planted = Browser(world)
    planted.client.set_cookie(SECURE, before)
    assert signed_out(planted.get("/console/tokens"))


def test_a_session_that_somebody_planted_ends_when_one_signs_in_over_it(world):
    mallory = world.visitor(name="mallory")
    planted = cookie_of(mallory).value
    jane = Browser(world)
    jane.client.set_cookie(SECURE, planted, secure=True)
    jane.sign_in(world.link())
    assert cookie_of(jane).value != planted
    assert signed_out(mallory.get("/console/tokens"))


def test_a_session_ends_after_eight_hours(world):
    jane = world.visitor()
    world.clock.advance(SESSION_LIFETIME - timedelta(seconds=1))
    assert jane.get("/console/tokens").status_code == 200
    world.clock.advance(timedelta(seconds=1))
    assert signed_out(jane.get("/console/tokens"))


def test_signing_out_ends_the_session_here_and_for_whoever_copied_its_cookie(world):
    jane, copied = world.visitor(), Browser(world)
    copied.client.set_cookie(SECURE, cookie_of(jane).value, secure=True)
    assert copied.get("/console/tokens").status_code == 200
    answer = jane.post("/console/sign-out", form="/console/tokens/new")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/sign-in")
    assert cookie_of(jane) is None
    assert signed_out(copied.get("/console/tokens"))


def test_an_operator_ends_a_session_at_the_command_line(world):
    jane = world.visitor()
    (session,) = world.bridge.access.list_console_sessions()
    world.bridge.access.revoke_console_session(session.id)
    assert signed_out(jane.get("/console/tokens"))
    assert jane.post("/console/tokens", {}, form="/console/sign-in").status_code == 401


@pytest.mark.parametrize(
    ("posted", "back"),
    [("/console/tokens", "?next=%2Fconsole%2Ftokens"), ("/console/events/1/payload", "")],
    ids=["a form with a page of its own", "a form without one"],
)
def test_who_was_signed_out_meanwhile_is_told_that_nothing_was_done_and_led_back(world, posted, back):
    jane = world.visitor()
    (session,) = world.bridge.access.list_console_sessions()
    world.bridge.access.revoke_console_session(session.id)
    answer = jane.post(posted, {}, form="/console/sign-in")
    assert answer.status_code == 401
    assert "You are no longer signed in Nothing was done." in " ".join(text_of(answer).split())
    assert f'href="/console/sign-in{back}"' in answer.get_data(as_text=True)


def test_who_is_sent_to_sign_in_is_told_why_and_who_comes_by_himself_is_not(world):
    sent, told = Browser(world), "You are not signed in"
    assert told in text_of(sent.get("/console/sign-in", next="/console/tokens"))
    assert told not in text_of(sent.get("/console/sign-in"))
    assert told not in text_of(sent.get("/console/sign-in", next="https://elsewhere.example"))


def test_a_form_of_another_session_is_not_called_a_matter_of_ones_role(world):
    jane = world.visitor()
    answer = jane.client.post("/console/tokens", data={"csrf": "another"})
    assert answer.status_code == 403
    assert "Nothing was done." in text_of(answer)
    assert "Your role" not in text_of(answer)


def test_the_start_leads_to_the_first_page_that_the_visitor_may_see(world):
    answer = world.visitor().get("/console")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/console/")


def test_who_acts_in_the_console_stands_in_the_change_log(world):
    jane = world.visitor(name="jane")
    jane.post("/console/tokens", {"role": Role.VIEWER.value}, form="/console/tokens/new")
    (entry, *_) = world.bridge.changes.list("acme", 1)
    shown = entry.shown()
    assert shown["type"] == "token.created"
    assert shown["actor"] == {"type": "operator", "id": "jane", "user_id": None}
    (session,) = world.bridge.access.list_console_sessions()
    assert shown["cause"]["console_session_id"] == session.id
    assert shown["cause"]["operation"] == "create_token"
    assert shown["cause"]["request_id"]


def test_who_signed_in_stands_in_the_log_without_any_secret(world, caplog):
    secret = world.link(name="jane")
    with caplog.at_level(logging.INFO):
        jane = Browser(world).sign_in(secret)
    (record,) = [each for each in caplog.records if each.message == "signed in to the console"]
    assert (record.name_of_person, record.tenant_id, record.role, record.by) == (
        "jane",
        "acme",
        "admin",
        "link",
    )
    for hidden in (secret, jane.cookie()):
        assert hidden not in str([vars(each) for each in caplog.records])

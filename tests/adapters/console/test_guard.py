"""Whose bodies are read, and who is slowed down."""

import pytest

from stripe_bridge.adapters.console import WantsForm
from tests.adapters.console.browser import Browser, text_of
from tests.adapters.web.world import PUBLIC_URL

COOKIE = "__Host-stripe_bridge_console"


@pytest.mark.parametrize(
    ("method", "path", "is_read"),
    [
        ("POST", "/console/tokens", True),
        ("POST", "/console/sign-out", True),
        ("GET", "/console/tokens", False),
        ("POST", "/consoles", False),
        ("POST", "/api/me", False),
    ],
)
def test_the_body_of_a_form_is_read_for_whoever_is_signed_in(world, method, path, is_read):
    wants = WantsForm(world.bridge.access, PUBLIC_URL)
    head = {"REQUEST_METHOD": method, "PATH_INFO": path}
    assert wants({**head, "HTTP_COOKIE": f"{COOKIE}={world.visitor().cookie()}; other=1"}) is is_read
    for stranger in ({}, {"HTTP_COOKIE": f"{COOKIE}=sbc_made_up"}, {"HTTP_COOKIE": "\xff;;=="}):
        assert wants({**head, **stranger}) is False


def test_the_form_for_signing_in_is_read_for_everybody_and_nothing_else_is(world):
    wants = WantsForm(world.bridge.access, PUBLIC_URL)
    assert wants({"REQUEST_METHOD": "POST", "PATH_INFO": "/console/sign-in"})
    assert not wants({"REQUEST_METHOD": "POST", "PATH_INFO": "/console/sign-in/"})


def test_while_the_database_is_away_no_body_is_read_and_the_page_says_so(world):
    jane = world.visitor()
    head = {"REQUEST_METHOD": "POST", "PATH_INFO": "/console/tokens"}
    cookie = f"{COOKIE}={jane.cookie()}"
    world.store.is_available = False
    assert not WantsForm(world.bridge.access, PUBLIC_URL)({**head, "HTTP_COOKIE": cookie})
    answer = jane.get("/console/tokens")
    assert answer.status_code == 503
    assert "The service is temporarily unavailable." in text_of(answer)
    assert answer.headers["Retry-After"]


def test_guessing_links_is_slowed_down_and_a_good_one_still_works(world):
    secret, guesser = world.link(), Browser(world)
    fields = {"csrf": guesser.csrf("/console/sign-in"), "token": "sbl_guess"}
    statuses = [guesser.client.post("/console/sign-in", data=fields).status_code for _ in range(302)]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert Browser(world).sign_in(secret).get("/console/tokens").status_code == 200


def test_a_session_that_asks_too_much_is_told_to_wait(world):
    jane, other = world.visitor(), world.visitor()
    statuses = [jane.get("/console").status_code for _ in range(1001)]
    assert statuses[-1] == 429
    assert jane.get("/console/tokens").headers["Retry-After"]
    assert other.get("/console/tokens").status_code == 200


def test_a_bug_is_a_page_that_says_nothing_of_it(world):
    jane = world.visitor()
    world.store.committed.tokens.rows = {1: None}
    answer = jane.get("/console/tokens")
    assert answer.status_code == 500
    page = text_of(answer)
    assert "Something went wrong on our side" in page
    assert answer.headers["X-Request-Id"] in page
    assert "NoneType" not in page

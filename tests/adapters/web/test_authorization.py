from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from stripe_bridge.ports.stripe.errors import GatewayRefused, OutcomeUnknown
from tests.adapters.web.world import World

RETURN_URL = "https://erp.test/stripe?tab=payments&status=old#here"


@pytest.fixture
def returning():
    return World(oauth_return_url=RETURN_URL)


def shown(answer):
    """What the redirect tells the ERP."""
    assert answer.status_code == 302
    url = urlsplit(answer.location)
    assert (url.netloc, url.path, url.fragment) == ("erp.test", "/stripe", "here")
    return {name: values[0] if len(values) == 1 else values for name, values in parse_qs(url.query).items()}


def test_a_merchant_who_agreed_goes_back_to_the_erp_connected(returning):
    integration = returning.create_integration()
    state = returning.authorize(integration["id"])
    answer = returning.come_back(state=state, code=returning.stripe.consent(), scope="read_write", more="x")
    assert shown(answer) == {
        "tab": "payments",
        "integration_instance_id": str(integration["id"]),
        "status": "connected",
    }
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_denial_is_reported_with_and_without_its_state(returning):
    integration = returning.create_integration()
    state = returning.authorize(integration["id"])
    with_state = returning.come_back(state=state, error="access_denied", error_description="The user denied")
    known = {"integration_instance_id": str(integration["id"])}
    assert shown(with_state) == {"tab": "payments", "status": "denied", **known}
    assert shown(returning.come_back(error="access_denied")) == {"tab": "payments", "status": "denied"}


def test_any_other_error_of_stripes_is_reported_as_a_failure(returning):
    integration = returning.create_integration()
    state = returning.authorize(integration["id"])
    assert shown(returning.come_back(state=state, error="invalid_scope")) == {
        "tab": "payments",
        "integration_instance_id": str(integration["id"]),
        "status": "failed",
        "reason": "stripe_refused",
    }


def test_a_state_is_good_once(returning):
    integration = returning.create_integration()
    state, code = returning.authorize(integration["id"]), returning.stripe.consent()
    returning.come_back(state=state, code=code)
    again = shown(returning.come_back(state=state, code=code))
    assert (again["status"], again["reason"]) == ("failed", "state_used")
    path = f"/api/stripe/integrations/{integration['id']}"
    assert returning.ask("GET", path).get_json()["data"]["connected"]


def test_a_look_at_the_link_before_the_browser_comes_changes_nothing(returning):
    integration = returning.create_integration()
    state, code = returning.authorize(integration["id"]), returning.stripe.consent()
    query = {"state": state, "code": code}
    looked = returning.client.head("/api/stripe/oauth/callback", query_string=query)
    assert (looked.status_code, looked.data) == (200, b"")
    assert returning.stripe.calls_of("redeem") == []
    assert shown(returning.come_back(**query))["status"] == "connected"


def test_a_state_is_good_for_ten_minutes(returning):
    state = returning.authorize(returning.create_integration()["id"])
    returning.clock.advance(timedelta(minutes=10))
    assert (
        shown(returning.come_back(state=state, code=returning.stripe.consent()))["reason"] == "state_expired"
    )
    assert returning.stripe.calls_of("redeem") == []


@pytest.mark.parametrize("query", [{}, {"state": ""}, {"state": "x", "code": "ac_1"}, {"state": "\0\ud7ff"}])
def test_a_state_that_is_not_ours_fails_without_asking_stripe(returning, query):
    assert shown(returning.come_back(**query)) == {
        "tab": "payments",
        "status": "failed",
        "reason": "state_unknown",
    }
    assert returning.stripe.calls == []


def test_a_code_that_stripe_refuses_fails(returning):
    state = returning.authorize(returning.create_integration()["id"])
    assert shown(returning.come_back(state=state, code="ac_unknown"))["reason"] == "code_refused"


def test_a_stripe_that_does_not_answer_fails(returning):
    state = returning.authorize(returning.create_integration()["id"])
    returning.stripe.fail_next("redeem", OutcomeUnknown("timed out"))
    outcome = shown(returning.come_back(state=state, code=returning.stripe.consent()))
    assert outcome["reason"] == "stripe_unavailable"


def test_an_account_is_connected_once_over_all_tenants(returning):
    account_id = returning.connect()["stripe_account_id"]
    other = returning.ask("POST", "/api/stripe/integrations", {"name": "x"}, tenant="other").get_json()[
        "data"
    ]
    answer = returning.ask("POST", f"/api/stripe/integrations/{other['id']}/authorize", tenant="other")
    state = parse_qs(urlsplit(answer.get_json()["data"]["authorize_url"]).query)["state"][0]
    outcome = shown(returning.come_back(state=state, code=returning.stripe.consent(account_id)))
    assert outcome["reason"] == "account_in_use"


def test_without_a_return_url_the_outcome_is_shown_on_a_page(world):
    state = world.authorize(world.create_integration()["id"])
    page = world.come_back(state=state, code=world.stripe.consent())
    assert page.status_code == 200
    assert page.content_type == "text/html; charset=utf-8"
    assert "Stripe is connected" in page.get_data(as_text=True)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"


def test_the_page_of_a_denial_is_a_200_and_that_of_a_failure_a_400(world):
    denied = world.come_back(error="access_denied")
    assert (denied.status_code, "was not connected" in denied.get_data(as_text=True)) == (200, True)
    failed = world.come_back(state="x", code="ac_1")
    assert (failed.status_code, "state_unknown" in failed.get_data(as_text=True)) == (400, True)


def test_the_page_needs_nothing_from_elsewhere_and_repeats_nothing_it_was_given(world):
    page = world.come_back(error="access_denied", error_description="<script>alert(1)</script>")
    text = page.get_data(as_text=True)
    assert "<script" not in text
    assert "http" not in text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_a_refused_code_is_told_to_nobody(world):
    state = world.authorize(world.create_integration()["id"])
    world.stripe.fail_next("redeem", GatewayRefused("No such code: ac_secret"))
    text = world.come_back(state=state, code="ac_secret").get_data(as_text=True)
    assert "ac_secret" not in text

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from stripe_bridge.domain.access import Role
from stripe_bridge.domain.refusal import Refusal
from stripe_bridge.ports.stripe.errors import GatewayRefused, OutcomeUnknown
from tests.adapters.web.world import World, problem

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
    state = returning.authorize(integration["id"])
    returning.come_back(state=state, code=returning.stripe.consent())
    again = shown(returning.come_back(state=state, code=returning.stripe.consent()))
    assert (again["status"], again["reason"]) == ("failed", "state_used")
    path = f"/api/stripe/integrations/{integration['id']}"
    assert returning.ask("GET", path).get_json()["data"]["connected"]


def test_a_reload_of_the_callback_leads_where_it_led_at_first(returning):
    state, code = returning.authorize(returning.create_integration()["id"]), returning.stripe.consent()
    first, again = (returning.come_back(state=state, code=code) for _ in range(2))
    assert shown(first)["status"] == "connected"
    assert (again.status_code, again.location) == (first.status_code, first.location)


def test_the_page_after_connecting_can_be_loaded_again(world):
    state, code = world.authorize(world.create_integration()["id"]), world.stripe.consent()
    first, again = (world.come_back(state=state, code=code) for _ in range(2))
    assert (again.status_code, again.data) == (200, first.data)


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


def test_with_confirm_the_erp_gets_a_confirmation_and_connects_with_it(returning):
    integration = returning.create_integration()
    state = returning.authorize(integration["id"], {"confirm": True})
    outcome = shown(returning.come_back(state=state, code=returning.stripe.consent()))
    confirmation = outcome.pop("confirmation")
    known = {"tab": "payments", "integration_instance_id": str(integration["id"])}
    assert outcome == {**known, "status": "confirm"}

    answer = confirm(returning, integration, confirmation, role=Role.POWER_USER)
    assert (answer.status_code, answer.get_json()["message"]) == (200, "Stripe integration connected.")
    assert answer.get_json()["data"]["connected"] is True

    again = problem(confirm(returning, integration, confirmation), 422)
    assert list(again["errors"]) == ["confirmation"]
    assert again["type"] == "urn:stripe-bridge:problem:ConfirmationInvalid"


def test_a_confirmation_in_the_return_url_itself_is_not_passed_on():
    world = World(oauth_return_url="https://erp.test/stripe?confirmation=old#here")
    state = world.authorize(world.create_integration()["id"])
    assert "confirmation" not in shown(world.come_back(state=state, code=world.stripe.consent()))


def test_a_confirmation_that_connects_nothing_is_a_conflict_with_the_callbacks_reason(returning):
    integration = returning.create_integration()
    confirmation = to_confirm(returning, integration)
    said = Refusal(message="Authorization code expired.", code="invalid_grant", request_id="req_1")
    returning.stripe.fail_next("redeem", GatewayRefused("for operators", refusal=said))
    body = confirm(returning, integration, confirmation).get_json()
    assert (body["status"], body["reason"]) == (409, "code_refused")
    assert body["type"] == "urn:stripe-bridge:problem:AuthorizationFailed"
    assert body["stripe"] == {
        "message": "Authorization code expired.",
        "code": "invalid_grant",
        "request_id": "req_1",
    }


def test_a_confirmation_that_stripe_did_not_answer_says_nothing_of_stripes(returning):
    integration = returning.create_integration()
    confirmation = to_confirm(returning, integration)
    returning.stripe.fail_next("redeem", OutcomeUnknown("timed out"))
    body = confirm(returning, integration, confirmation).get_json()
    assert (body["reason"], "stripe" in body) == ("stripe_unavailable", False)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MEMBER])
def test_only_a_power_user_confirms(returning, role):
    integration = returning.create_integration()
    confirmation = to_confirm(returning, integration)
    problem(confirm(returning, integration, confirmation, role=role), 403)
    assert confirm(returning, integration, confirmation).status_code == 200


def test_another_tenant_cannot_use_a_confirmation(returning):
    integration = returning.create_integration()
    confirmation = to_confirm(returning, integration)
    problem(confirm(returning, integration, confirmation, tenant="other"), 404)
    theirs = returning.ask("POST", "/api/stripe/integrations", {"name": "x"}, tenant="other").get_json()
    problem(confirm(returning, theirs["data"], confirmation, tenant="other"), 422)
    assert returning.stripe.calls_of("redeem") == []


def test_a_confirmation_repeated_with_its_idempotency_key_gets_the_first_answer(returning):
    integration = returning.create_integration()
    confirmation = to_confirm(returning, integration)
    headers = {"Idempotency-Key": "k"}
    first, again = (confirm(returning, integration, confirmation, headers=headers) for _ in range(2))
    assert (first.status_code, again.data) == (200, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(returning.stripe.calls_of("redeem")) == 1


@pytest.mark.parametrize("value", [1, 0, "true", None, {}])
def test_confirm_is_true_or_false(world, value):
    path = f"/api/stripe/integrations/{world.create_integration()['id']}/authorize"
    assert list(problem(world.ask("POST", path, {"confirm": value}), 422)["errors"]) == ["confirm"]


@pytest.mark.parametrize("body", [{}, {"confirmation": ""}, {"confirmation": 5}, {"confirmation": "x" * 256}])
def test_a_confirmation_is_a_text(world, body):
    path = f"/api/stripe/integrations/{world.create_integration()['id']}/confirm"
    assert list(problem(world.ask("POST", path, body), 422)["errors"]) == ["confirmation"]


def test_code_and_confirmation_are_not_logged(returning, caplog):
    caplog.set_level("DEBUG")
    integration = returning.create_integration()
    code, state = returning.stripe.consent(), returning.authorize(integration["id"], {"confirm": True})
    confirmation = shown(returning.come_back(state=state, code=code))["confirmation"]
    confirm(returning, integration, confirmation)
    logged = str([vars(record) for record in caplog.records])
    assert logged
    assert code not in logged
    assert confirmation not in logged


def test_the_page_before_a_confirmation_names_the_integration_and_the_tenant(world):
    state = world.authorize(world.create_integration("<b>Rosen")["id"], {"confirm": True})
    page = world.come_back(state=state, code=world.stripe.consent())
    text = page.get_data(as_text=True)
    assert page.status_code == 200
    assert "not connected yet" in text
    assert "&lt;b&gt;Rosen" in text
    assert "acme" in text
    assert page.headers["Cache-Control"] == "no-store"


def to_confirm(world, integration):
    state = world.authorize(integration["id"], {"confirm": True})
    return shown(world.come_back(state=state, code=world.stripe.consent()))["confirmation"]


def confirm(world, integration, confirmation, **how):
    path = f"/api/stripe/integrations/{integration['id']}/confirm"
    return world.ask("POST", path, {"confirmation": confirmation}, **how)


def page_after(world, **query):
    page = world.come_back(**query).get_data(as_text=True)
    assert "<script" not in page
    return page


def test_the_page_names_the_integration_and_the_account(world):
    integration = world.create_integration("Rosen & <Sons>")
    code = world.stripe.consent(display_name="Rosen <Berlin>")
    page = page_after(world, state=world.authorize(integration["id"]), code=code)
    account = world.ask("GET", f"/api/stripe/integrations/{integration['id']}").get_json()["data"]
    for name in ("Rosen &amp; &lt;Sons&gt;", "Rosen &lt;Berlin&gt;", account["stripe_account_id"]):
        assert name in page


def test_the_page_of_a_failure_names_the_integration_but_no_account(world):
    integration = world.connect()
    state = world.authorize(world.create_integration("Second shop")["id"])
    refused = page_after(world, state=state, code="ac_unknown")
    assert "Second shop" in refused
    assert "code_refused" in refused
    assert integration["stripe_account_id"] not in refused
    denied = page_after(
        world, state=world.authorize(world.create_integration("Third")["id"]), error="access_denied"
    )
    assert "Third" in denied
    unknown = page_after(world, state="x", code="ac_1")
    assert "state_unknown" in unknown
    assert "Integration<" not in unknown


@pytest.mark.parametrize(
    ("origins", "link"),
    [
        ((), "go back to your ERP"),
        (
            ("https://erp.test", "http://localhost:5173"),
            '<a class="button primary" href="https://erp.test">Back to erp.test</a>',
        ),
    ],
)
def test_the_page_leads_back_to_the_first_origin_of_the_front_end_if_there_is_one(origins, link):
    world = World(cors_origins=origins)
    state = world.authorize(world.create_integration()["id"])
    page = page_after(world, state=state, code=world.stripe.consent())
    assert link in page
    assert page.count("<a ") == len(origins[:1])


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

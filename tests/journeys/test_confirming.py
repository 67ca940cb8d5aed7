"""A link to Stripe that came into the wrong hands: nothing is connected before the tenant has confirmed it."""

from collections.abc import Callable

from tests.journeys.combinations import POSTGRES, SQLITE, on
from tests.journeys.people import Erp, confirmation_in, data_of, problem, query_of
from tests.journeys.stack import Stack

pytestmark = on(SQLITE, POSTGRES)


def path_of(integration_id: int) -> str:
    return f"/api/stripe/integrations/{integration_id}/confirm"


def test_a_merchant_is_connected_once_the_erp_has_confirmed(stack: Stack, erp: Erp):
    integration_id = erp.create_integration()["id"]
    before = len(stack.control.objects("connections"))
    body = {"confirmation": erp.to_confirm(integration_id)}
    assert erp.integration(integration_id)["connected"] is False
    assert len(stack.control.objects("connections")) == before

    connected = data_of(erp.ask("POST", path_of(integration_id), body), 200)

    assert connected == erp.integration(integration_id)
    erp.new_order()
    erp.paid(connected)
    assert problem(erp.ask("POST", path_of(integration_id), body), 422)["errors"].keys() == {"confirmation"}


def test_what_stripe_says_to_a_code_that_it_refuses_is_passed_on(stack: Stack, erp: Erp):
    integration_id = erp.create_integration()["id"]
    url = erp.approve(erp.authorize(integration_id, {"confirm": True}))
    body = {"confirmation": confirmation_in(erp.come_back(url))}
    # Somebody else was faster: a code works once.
    stack.platform.oauth.token({"grant_type": "authorization_code", "code": query_of(url)["code"]})

    refused = problem(erp.ask("POST", path_of(integration_id), body), 409)

    assert refused["reason"] == "code_refused"
    assert refused["stripe"]["code"] == "invalid_grant"
    assert "already been used" in refused["stripe"]["message"]
    assert erp.integration(integration_id)["connected"] is False


def test_another_tenant_cannot_confirm_and_uses_nothing_up(erp: Erp, new_erp: Callable[[], Erp]):
    integration_id = erp.create_integration()["id"]
    other = new_erp()
    theirs = other.create_integration()["id"]
    body = {"confirmation": erp.to_confirm(integration_id)}
    problem(other.ask("POST", path_of(integration_id), body), 404)
    problem(other.ask("POST", path_of(theirs), body), 422)
    assert other.integration(theirs)["connected"] is False
    assert data_of(erp.ask("POST", path_of(integration_id), body), 200)["connected"] is True

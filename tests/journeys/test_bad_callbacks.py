"""Browsers that come back from Stripe in a wrong way: what they are shown, and what they cannot change."""

from datetime import UTC, datetime

import pytest
import sqlalchemy

from stripe_bridge.adapters.database.tables.accounts import OAuthStateRow
from tests.journeys.combinations import POSTGRES, SQLITE, on
from tests.journeys.people import Erp, state_in
from tests.journeys.stack import Stack
from tests.journeys.traces import Traces

pytestmark = on(SQLITE, POSTGRES)


def back(stack: Stack, erp: Erp, query: str, status: int) -> str:
    """The page that the browser shows."""
    page = erp.come_back(f"{stack.url}/api/stripe/oauth/callback?{query}")
    assert page.status_code == status, page.text
    assert page.headers["Content-Type"].startswith("text/html")
    return page.text


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ("code=ac_1&state=made-up", 400, "state_unknown"),
        ("code=ac_1", 400, "state_unknown"),
        ("", 400, "state_unknown"),
        ("error=access_denied&error_description=The+user+denied+your+request", 200, "not connected"),
    ],
)
def test_without_a_state_of_ours_nothing_happens(
    stack: Stack, erp: Erp, traces: Traces, query: str, status: int, told: str
):
    erp.authorize(erp.create_integration()["id"])
    before = traces.all()
    assert told in back(stack, erp, query, status)
    assert traces.all() == before


def test_a_state_works_once(stack: Stack, erp: Erp, traces: Traces):
    integration = erp.create_integration()
    callback = erp.approve(erp.authorize(integration["id"]))
    assert erp.come_back(callback).status_code == 200
    before = traces.all()
    again = erp.come_back(callback)
    assert (again.status_code, "state_used" in again.text) == (400, True)
    assert traces.all() == before
    # Redeeming the code twice would have revoked everything.
    assert erp.integration(integration["id"])["connected"] is True
    erp.new_order()
    erp.paid(integration)


def test_a_state_of_ten_minutes_ago_is_too_old(stack: Stack, erp: Erp, traces: Traces):
    callback = erp.approve(erp.authorize(erp.create_integration()["id"]))
    traces.execute(sqlalchemy.update(OAuthStateRow).values(expires_at=datetime.now(UTC)))
    before = traces.all()
    page = erp.come_back(callback)
    assert (page.status_code, "state_expired" in page.text) == (400, True)
    assert traces.all() == before


def test_a_code_that_stripe_refuses_connects_nothing(stack: Stack, erp: Erp, traces: Traces):
    integration = erp.create_integration()
    state = state_in(erp.authorize(integration["id"]))
    before = traces.all(besides="oauth_states")
    assert "code_refused" in back(stack, erp, f"code=ac_made_up&state={state}", 400)
    assert traces.all(besides="oauth_states") == before
    assert "state_used" in back(stack, erp, f"code=ac_made_up&state={state}", 400)


def test_a_state_connects_its_own_integration_in_any_browser(stack: Stack, erp: Erp):
    mine, another = erp.create_integration("Mine"), erp.create_integration("Another")
    erp.authorize(another["id"])
    erp.come_back(erp.approve(erp.authorize(mine["id"])))
    assert erp.integration(mine["id"])["connected"] is True
    assert erp.integration(another["id"])["connected"] is False
    later = erp.create_integration("Later")
    assert erp.integration(later["id"])["connected"] is False


def test_a_denial_with_a_state_uses_it_up_and_changes_nothing_else(stack: Stack, erp: Erp, traces: Traces):
    integration = erp.create_integration()
    callback = erp.deny(erp.authorize(integration["id"]))
    before = traces.all(besides="oauth_states")
    assert erp.come_back(callback).status_code == 200
    assert traces.all(besides="oauth_states") == before
    assert "state_used" in erp.come_back(callback).text

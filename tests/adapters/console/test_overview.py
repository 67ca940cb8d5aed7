"""Overview: how it goes, what is waiting, what the doctor says."""

import re
from datetime import timedelta

import pytest

from stripe_bridge.adapters.console.pages import overview
from stripe_bridge.domain.access import Role
from tests.adapters.console.browser import ConsoleWorld, text_of
from tests.builders import an_event_payload


@pytest.fixture
def paid(world: ConsoleWorld) -> ConsoleWorld:
    """An invoice of 120 EUR was sent and paid."""
    integration = world.connect()
    world.put_order()
    invoice = world.send(integration["id"]).get_json()["data"]
    world.pay(invoice)
    world.tell_of_payments(invoice)
    return world


def test_what_happened_is_shown_in_numbers_and_as_bars(paid):
    page = paid.visitor(Role.VIEWER).get("/console/overview").get_data(as_text=True)
    said = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "Money in, EUR This hour 120.00 EUR 24 hours 120.00 EUR 30 days 120.00 EUR" in said
    assert "Invoices sent This hour 1 24 hours 1 30 days 1" in said
    assert page.count('class="bar"') == 4


def test_each_chart_has_a_title_a_description_and_a_table(paid):
    page = paid.visitor().get("/console/overview").get_data(as_text=True)
    charts = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(charts) == 4
    for chart in charts:
        title, description = re.findall(r'<(?:title|desc) id="([^"]+)">[^<]+<', chart)
        assert f'role="img" aria-labelledby="{title} {description}"' in chart
        # The policy of the page allows no style within it.
        assert "style" not in chart
    assert page.count("<summary>As a table</summary>") == 4
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert sorted(set(ids)) == sorted(ids)


def test_a_month_is_drawn_by_day_and_its_page_has_its_own_address(paid):
    paid.clock.advance(timedelta(days=3))
    jane = paid.visitor()
    assert jane.get("/console/overview").get_data(as_text=True).count('class="bar"') == 0
    page = jane.get("/console/overview", period="month")
    assert page.get_data(as_text=True).count('class="bar"') == 4
    assert "by day" in text_of(page)
    assert jane.get("/console/overview", period="century").status_code == 422


def test_what_waits_shows_since_when(world):
    account = world.connect()["stripe_account_id"]
    world.post_event(an_event_payload("invoice.paid", {"id": "in_9", "object": "invoice"}, account=account))
    world.clock.advance(timedelta(minutes=7))
    assert "Webhooks that are not applied yet 1 7 minutes ago" in text_of(
        world.visitor().get("/console/overview")
    )


def test_another_tenants_numbers_are_not_shown_and_an_operator_sees_those_of_all(paid):
    assert "EUR" not in text_of(paid.visitor(tenant="initech").get("/console/overview"))
    assert "120.00 EUR" in text_of(paid.operator().get("/console/overview"))
    assert "EUR" not in text_of(paid.operator().get("/console/overview", tenant="initech"))


def broken(world: ConsoleWorld) -> int:
    """An integration of which the doctor finds that it was not reconciled for long."""
    integration = world.connect()
    world.clock.advance(timedelta(days=2))
    return int(integration["id"])


def test_what_the_doctor_finds_has_a_button_where_there_is_a_fix(world):
    id_ = broken(world)
    olga = world.operator()
    assert 'hx-get="/console/overview/doctor"' in olga.get("/console/overview").get_data(as_text=True)
    page = olga.get("/console/overview/doctor")
    assert "not reconciled since" in text_of(page)
    fix = f"/console/overview/fix?fix=reconcile&integration_id={id_}"
    assert fix.replace("&", "&amp;") in page.get_data(as_text=True)
    assert f"Reconcile of integration {id_}?" in text_of(olga.get(fix))

    answer = olga.post("/console/overview/fix", {"fix": "reconcile", "integration_id": str(id_)}, form=fix)

    assert answer.status_code == 303
    said = text_of(olga.get("/console/overview/doctor"))
    assert f"integration {id_}: reconciled" in said
    assert "not reconciled since" not in said


def test_the_doctor_is_not_asked_about_many_accounts_unless_somebody_wants_it(world, monkeypatch):
    monkeypatch.setattr(overview, "_QUICKLY_ASKED", 1)
    world.connect()
    olga = world.operator()
    assert 'hx-get="/console/overview/doctor' in olga.get("/console/overview").get_data(as_text=True)
    world.connect()
    page = olga.get("/console/overview")
    assert 'hx-get="/console/overview/doctor' not in page.get_data(as_text=True)
    assert "each of 2 accounts" in text_of(page)


def test_what_the_doctor_no_longer_finds_is_not_fixed(world):
    olga = world.operator()
    path = "/console/overview/fix?fix=replay_events"
    olga.post("/console/overview/fix", {"fix": "replay_events"}, form=path)
    assert "no longer finds that" in text_of(olga.get("/console/overview/doctor"))


def test_secrets_are_not_discarded_by_a_button(world):
    assert world.operator().get("/console/overview/fix", fix="discard_secrets").status_code == 422


def test_the_doctor_is_for_operators(world):
    jane = world.visitor()
    assert "doctor says" not in text_of(jane.get("/console/overview"))
    for path in ("/console/overview/doctor", "/console/overview/fix?fix=reconcile"):
        assert jane.get(path).status_code == 403
    assert (
        jane.post("/console/overview/fix", {"fix": "reconcile"}, form="/console/tokens/new").status_code
        == 403
    )

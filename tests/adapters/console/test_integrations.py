import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

from stripe_bridge.domain.access import Role
from tests.adapters.console.browser import text_of
from tests.adapters.web.world import data_of

LIST = "/console/integrations"


def test_a_merchant_is_connected_from_the_console(world):
    jane = world.visitor(Role.POWER_USER)
    assert "No integrations yet." in text_of(jane.get(LIST))
    asked = jane.follow(jane.post(LIST, {"name": "Rosen Furniture"}, form=f"{LIST}/new"))
    assert "Connect a Stripe account to Rosen Furniture?" in asked
    (id_,) = (each["id"] for each in world.ask("GET", "/api/stripe/integrations").get_json()["data"])
    page = jane.post(f"{LIST}/{id_}/connect", form=f"{LIST}/{id_}/connect").get_data(as_text=True)
    (address,) = re.findall(r'class="button primary" href="([^"]+)"', page)
    state = parse_qs(urlsplit(unescape(address)).query)["state"][0]

    world.come_back(state=state, code=world.stripe.consent())

    shown = text_of(jane.get(f"{LIST}/{id_}"))
    assert "Rosen Furniture active" in shown
    assert "Takes payments yes" in shown
    assert "Nothing is in flight" in shown


def test_the_list_has_all_integrations_and_their_states(world):
    integration = world.connect()
    world.create_integration("Pop-up")
    page = text_of(world.visitor(Role.VIEWER).get(LIST))
    assert f"Rosen Furniture {integration['id']} active {integration['stripe_account_id']} test" in page
    assert "Pop-up 2 pending \N{EN DASH} test" in page
    assert "Add an integration" not in page


def test_what_is_in_flight_is_listed_with_its_invoice(world):
    world.put_order()
    integration = world.connect()
    invoice = data_of(world.send(integration["id"]))
    page = text_of(world.visitor().get(f"{LIST}/{integration['id']}"))
    assert f"Invoice 120.00 EUR open {invoice['stripe_invoice_id']} {invoice['number']}" in page
    assert f"stripe-bridge integrations in-flight {integration['id']} --tenant acme" in page


def test_of_many_in_flight_only_some_are_listed_and_that_is_said(world):
    integration = world.connect()
    for order_id in range(1, 28):
        world.put_order(order_id)
        world.send(integration["id"], order_id)
    jane = world.visitor()
    assert "There is more; the command below lists all of it." in text_of(
        jane.get(f"{LIST}/{integration['id']}")
    )
    assert "25 invoices, and more" in text_of(jane.get(f"{LIST}/{integration['id']}/disconnect"))


def test_disconnecting_asks_first_and_says_what_is_in_flight(world):
    world.put_order()
    integration = world.connect()
    world.send(integration["id"])
    jane, path = world.visitor(), f"{LIST}/{integration['id']}/disconnect"
    question = text_of(jane.get(path))
    assert "In flight 1 invoice" in question
    assert integration["stripe_account_id"] in question
    assert "Rosen Furniture is disconnected." in jane.follow(jane.post(path, form=path))
    shown = text_of(jane.get(f"{LIST}/{integration['id']}"))
    assert "Rosen Furniture disconnected" in shown
    assert "This is the last known state" in shown
    assert "It is not connected." in text_of(jane.get(path))


def test_what_cannot_be_done_is_said(world):
    integration = world.connect()
    jane = world.visitor()
    assert jane.post(LIST, {"name": " "}, form=f"{LIST}/new").status_code == 422
    path = f"{LIST}/{integration['id']}/connect"
    assert "connected to" in text_of(jane.get(path))
    assert jane.post(path, form=path).status_code == 409


def test_who_may_not_manage_integrations_only_reads_them(world):
    integration = world.connect()
    member = world.visitor(Role.MEMBER)
    assert member.get(f"{LIST}/{integration['id']}").status_code == 200
    for page in ("new", f"{integration['id']}/connect", f"{integration['id']}/disconnect"):
        assert member.get(f"{LIST}/{page}").status_code == 403
    for act in ("", f"/{integration['id']}/connect", f"/{integration['id']}/disconnect"):
        assert member.post(f"{LIST}{act}", {"name": "x"}, form=LIST).status_code == 403


def test_another_tenants_integration_is_not_found(world):
    integration = world.connect()
    theirs = world.visitor(tenant="initech")
    path = f"{LIST}/{integration['id']}"
    for page in ("", "/connect", "/disconnect"):
        assert theirs.get(path + page).status_code == 404
    for act in ("/connect", "/disconnect"):
        assert theirs.post(path + act, form=LIST).status_code == 404
    assert "Rosen Furniture" not in text_of(theirs.get(LIST))
    assert data_of(world.ask("GET", f"/api/stripe/integrations/{integration['id']}"))["connected"]


def test_an_operator_sees_those_of_the_tenant_that_was_chosen(world):
    world.connect()
    olga = world.operator()
    assert "Rosen Furniture" not in text_of(olga.get(LIST))
    assert "Rosen Furniture" in text_of(olga.get(LIST, tenant="acme"))

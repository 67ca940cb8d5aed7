"""Every route, for every role of the owning tenant and of another tenant."""

import re
from dataclasses import dataclass
from typing import Any

import pytest

from stripe_bridge.adapters.web.app import operations_by_endpoint
from stripe_bridge.adapters.web.endpoints import Credential
from stripe_bridge.domain.access import Role
from tests.adapters.web.world import ORDER, World, data_of, problem

OWNER, STRANGER = "acme", "initech"
NOWHERE = 999_999
WITH_ID = sorted(
    endpoint
    for endpoint, each in operations_by_endpoint().items()
    if each.permission is not None and "<id:" in each.path
)
WITHOUT_ID = {
    "Changes.list_changes",
    "Access.show_me",
    "Integrations.create_integration",
    "Integrations.list_integrations",
    "Panel.create_panel_session",
    "Panel.send_panel_invoice",
    "Panel.show_panel",
    "Invoices.list_invoices",
    "Invoices.send_invoice",
    "Subscribers.create_subscriber",
    "Subscribers.list_subscribers",
    "Webhook events.list_replays",
    "Webhook events.list_webhook_events",
    "Webhook events.replay_webhook_events",
}
SUBSCRIBER = {"url": "https://erp.example.com/changes"}
LOOKUPS = ("stripe_invoice_id", "stripe_charge_id", "number")
# Bodies that pass validation.
BODIES: dict[str, Any] = {
    "put_sales_order": ORDER,
    "confirm_authorization": {"confirmation": "c"},
    "update_subscriber": {"description": "The ERP."},
    "resume_subscriber": {"after": 0},
}
# Each tenant has its own order numbers, so storing an order never touches another tenant's.
OF_EVERYBODY = "put_sales_order"


@dataclass
class Scene:
    """A tenant with one of everything; `ids` by the name that paths have for it."""

    world: World
    ids: dict[str, int]
    invoice: dict[str, Any]

    def ask(self, endpoint, role, tenant, *, ids=None):
        operation = operations_by_endpoint()[endpoint]
        path = re.sub(r"<id:(\w+)>", lambda name: str((ids or self.ids)[name[1]]), operation.path)
        body = BODIES.get(operation.id)
        if operation.credential is Credential.PANEL_SESSION:
            session = self.world.panel_session(role, tenant)
            return self.world.ask_from_page(operation.method, path, body, session=session)
        return self.world.ask(operation.method, path, body, role=role, tenant=tenant)


@pytest.fixture(scope="module")
def prepared():
    world = World()
    # Those that a test created itself would be undone with it.
    for role in Role:
        for tenant in (OWNER, STRANGER):
            world.token(role, tenant)
    integration = world.connect()
    assert world.put_order().status_code == 201
    invoice = data_of(world.send(integration["id"]))
    world.pay(invoice)
    world.tell_of_payments(invoice)
    (event, *_) = data_of(world.ask("GET", "/api/stripe/webhook-events"))
    ids = {
        "replay_id": replay(world, event["id"])["id"],
        "integration_id": integration["id"],
        "sales_order_id": 1001,
        "invoice_id": invoice["id"],
        "event_id": event["id"],
        "subscriber_id": data_of(world.ask("POST", "/api/subscribers", SUBSCRIBER))["id"],
    }
    return Scene(world, ids, data_of(world.ask("GET", f"/api/stripe/invoices/{invoice['id']}")))


@pytest.fixture
def scene(prepared):
    """The same for each test: what one does is undone, and does not use up the next one's limits."""
    with prepared.world.undoing():
        prepared.world.serve()
        yield prepared


def replay(world, event_id):
    asked = {"filter": {"ids": [event_id]}}
    plan = data_of(world.ask("POST", "/api/stripe/webhook-events/replay", asked))
    to_apply = asked | {"dry_run": False, "digest": plan["digest"]}
    return data_of(world.ask("POST", "/api/stripe/webhook-events/replay", to_apply))


def without_request_id(body):
    return {name: value for name, value in body.items() if name != "request_id"}


def everything_of(world):
    """Everything that the owner sees."""
    paths = (
        "/api/stripe/integrations",
        "/api/stripe/integrations/1/invoices",
        "/api/stripe/invoices/1/refunds",
        "/api/stripe/webhook-events",
        "/api/stripe/replays",
        "/api/sales-orders/1001",
        "/api/subscribers",
    )
    return [world.ask("GET", path).get_json() for path in paths]


def test_all_routes_are_walked():
    protected = {name for name, each in operations_by_endpoint().items() if each.permission is not None}
    assert protected == {*WITH_ID, *WITHOUT_ID}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("endpoint", WITH_ID)
def test_what_is_anothers_answers_exactly_as_what_is_nowhere(scene, endpoint, role):
    operation = operations_by_endpoint()[endpoint]
    before = everything_of(scene.world)
    foreign = scene.ask(endpoint, role, STRANGER)
    nowhere = scene.ask(endpoint, role, STRANGER, ids=dict.fromkeys(scene.ids, NOWHERE))
    if operation.permission not in role.permissions:
        problem(foreign, 403)
    elif operation.id == OF_EVERYBODY:
        assert (foreign.status_code, nowhere.status_code) == (201, 201)
    else:
        problem(foreign, 404)
    if operation.id != OF_EVERYBODY:
        assert without_request_id(foreign.get_json()) == without_request_id(nowhere.get_json())
    assert everything_of(scene.world) == before


@pytest.mark.parametrize("id_", [0, 2**63, 10**30])
@pytest.mark.parametrize("endpoint", WITH_ID)
def test_what_cannot_be_answers_exactly_as_what_is_nowhere(scene, endpoint, id_):
    answer = scene.ask(endpoint, Role.ADMIN, OWNER, ids=dict.fromkeys(scene.ids, id_))
    if operations_by_endpoint()[endpoint].id == OF_EVERYBODY:
        assert problem(answer, 404)["message"] == "There is nothing at this address."
    else:
        nowhere = scene.ask(endpoint, Role.ADMIN, OWNER, ids=dict.fromkeys(scene.ids, NOWHERE))
        assert without_request_id(problem(answer, 404)) == without_request_id(nowhere.get_json())


@pytest.mark.parametrize("id_", [0, 2**63, 10**30])
def test_an_integration_that_cannot_be_has_no_receiver_like_one_that_is_nowhere(scene, id_):
    answers = [
        scene.world.post_event(b"{}", path=f"/api/webhooks/stripe/{integration_id}")
        for integration_id in (id_, NOWHERE)
    ]
    cannot_be, nowhere = (without_request_id(problem(answer, 404)) for answer in answers)
    assert cannot_be == nowhere


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("endpoint", WITH_ID)
def test_what_is_ones_own_is_found_by_whoever_may(scene, endpoint, role):
    answer = scene.ask(endpoint, role, OWNER)
    if operations_by_endpoint()[endpoint].permission in role.permissions:
        assert answer.status_code not in (401, 403, 404)
    else:
        problem(answer, 403)


@pytest.mark.parametrize("role", Role)
def test_lists_and_filters_show_nothing_of_anothers(scene, role):
    for path in (
        "/api/stripe/integrations",
        "/api/stripe/webhook-events",
        "/api/stripe/replays",
        f"/api/stripe/webhook-events?integration_instance_id={scene.ids['integration_id']}",
        "/api/stripe/invoices",
        "/api/stripe/invoices?updated_since=2026-01-01T00:00:00Z",
        *(f"/api/stripe/invoices?{name}={scene.invoice[name]}" for name in LOOKUPS),
    ):
        assert scene.world.ask("GET", path, role=role).get_json()["total"] >= 1
        assert scene.world.ask("GET", path, role=role, tenant=STRANGER).get_json()["total"] == 0


@pytest.mark.parametrize("role", Role)
def test_the_feed_shows_nothing_of_anothers(scene, role):
    def feed(query, tenant):
        return scene.world.ask("GET", f"/api/changes?{query}", role=role, tenant=tenant).get_json()

    for query in ("type=invoice.*", "sales_order_id=1001"):
        assert feed(query, OWNER)["data"]
        assert feed(query, STRANGER)["data"] == []
    assert feed("", STRANGER)["latest"] == len(feed("", STRANGER)["data"])
    assert feed("", STRANGER)["log"] != feed("", OWNER)["log"]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.VIEWER])
def test_nothing_is_sent_for_anothers_order_or_through_anothers_integration(scene, role):
    body = {"integration_instance_id": scene.ids["integration_id"], "sales_order_id": 1001}
    ask = scene.world.ask
    message = problem(ask("POST", "/api/stripe/invoices", body, role=role, tenant=STRANGER), 404)["message"]
    assert message == "Sales order not found."
    assert ask("PUT", "/api/sales-orders/1001", ORDER, tenant=STRANGER).status_code == 201
    message = problem(ask("POST", "/api/stripe/invoices", body, role=role, tenant=STRANGER), 404)["message"]
    assert message == "Stripe integration not found."

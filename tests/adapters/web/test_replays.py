"""Replays over REST: a plan, and its being carried out."""

import pytest

from stripe_bridge.domain.access import Role
from tests.adapters.web.world import World, data_of, problem
from tests.builders import an_event_payload
from tests.fakes.stripe.payloads import invoice_object

PATH = "/api/stripe/webhook-events/replay"
REPLAYS = "/api/stripe/replays"
OF_PAID = {"filter": {"event_type": "invoice.paid"}}


@pytest.fixture
def invoice(world: World):
    """An open invoice that is paid at Stripe; the event about that is stored, and not applied."""
    integration = world.connect()
    world.put_order()
    sent = data_of(world.send(integration["id"]))
    account_id, stripe_id = sent["stripe_account_id"], sent["stripe_invoice_id"]
    world.stripe.pay(account_id, stripe_id)
    paid = invoice_object(world.stripe.accounts[account_id].invoices[stripe_id])
    assert world.post_event(an_event_payload("invoice.paid", paid, account=account_id)).status_code == 200
    return sent


def plan_of(world, asked=OF_PAID, **who):
    return data_of(world.ask("POST", PATH, asked, **who))


def applied(world, plan, asked=OF_PAID, **who):
    return world.ask("POST", PATH, {**asked, "dry_run": False, "digest": plan["digest"]}, **who)


def shown(world, invoice):
    return data_of(world.ask("GET", f"/api/stripe/invoices/{invoice['id']}"))


def test_a_plan_shows_field_by_field_what_would_change_and_changes_nothing(world, invoice):
    before = world.store.committed

    plan = plan_of(world)

    assert world.store.committed is before
    assert plan["counts"] == {"applied": 1, "skipped": 0, "unknown": 0, "failed": 0}
    assert [(each["event_type"], each["outcome"]) for each in plan["events"]] == [("invoice.paid", "applied")]
    (planned,) = (each for each in plan["objects"] if each["kind"] == "invoice")
    assert (planned["id"], planned["stripe_id"]) == (invoice["id"], invoice["stripe_invoice_id"])
    assert {"field": "status", "before": "open", "after": "paid"} in planned["changes"]
    assert {"field": "amount_paid", "before": 0, "after": 12_000} in planned["changes"]


def test_what_the_plan_says_is_what_the_invoice_then_shows(world, invoice):
    before, plan = shown(world, invoice), plan_of(world)

    answer = applied(world, plan)
    while world.bridge.webhook_events.run_replays():
        pass
    world.bridge.webhook_events.apply()

    assert answer.status_code == 202
    after = shown(world, invoice)
    (planned,) = (each for each in plan["objects"] if each["kind"] == "invoice")
    for change in planned["changes"]:
        assert (before[change["field"]], after[change["field"]]) == (change["before"], change["after"])
    detail = world.ask("GET", f"{REPLAYS}/{data_of(answer)['id']}").get_json()
    assert (detail["data"]["status"], detail["data"]["queued"]) == ("completed", 1)
    assert detail["data"]["requested_by"]["type"] == "token"
    assert detail["events"]["processed"] == 1


def test_a_plan_that_no_longer_holds_is_not_carried_out(world, invoice):
    plan = plan_of(world)
    world.bridge.webhook_events.apply()

    refused = problem(applied(world, plan), 409)

    assert refused["type"].endswith("ReplayPlanOutdated")
    assert data_of(world.ask("GET", REPLAYS)) == []


def test_the_same_plan_is_carried_out_once(world, invoice):
    plan = plan_of(world)

    assert applied(world, plan).status_code == 202
    problem(applied(world, plan), 409)


def test_a_replay_that_is_canceled_queues_nothing_more_and_ends_once(world, invoice):
    replay = data_of(applied(world, plan_of(world)))

    canceled = data_of(world.ask("POST", f"{REPLAYS}/{replay['id']}/cancel"))

    assert (canceled["status"], canceled["position"]) == ("canceled", 0)
    assert canceled["canceled_by"]["type"] == "token"
    assert world.bridge.webhook_events.run_replays() == 0
    refused = problem(world.ask("POST", f"{REPLAYS}/{replay['id']}/cancel"), 409)
    assert refused["type"].endswith("ReplayEnded")


@pytest.mark.parametrize("role", Role)
def test_only_who_may_replay_gets_a_plan(world, invoice, role):
    answer = world.ask("POST", PATH, OF_PAID, role=role)

    if role in (Role.POWER_USER, Role.ADMIN):
        assert answer.status_code == 200
    else:
        problem(answer, 403)
    assert world.ask("GET", REPLAYS, role=role).status_code == 200


def test_another_tenant_finds_neither_events_nor_replays(world, invoice):
    replay = data_of(applied(world, plan_of(world)))

    theirs = plan_of(world, tenant="initech")

    assert (theirs["events"], theirs["objects"], theirs["more"]) == ([], [], 0)
    assert data_of(world.ask("GET", REPLAYS, tenant="initech")) == []
    problem(world.ask("GET", f"{REPLAYS}/{replay['id']}", tenant="initech"), 404)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "filter"),
        ({"filter": {}}, "filter"),
        ({"filter": {"ids": []}}, "filter"),
        ({"filter": {"status": "new"}}, "filter"),
        ({"filter": {"type": "invoice.paid"}}, "filter"),
        ({**OF_PAID, "limit": 1001}, "limit"),
        ({**OF_PAID, "limit": 0}, "limit"),
        ({**OF_PAID, "dry_run": "false"}, "dry_run"),
        ({**OF_PAID, "dry_run": False}, "digest"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(world, asked, field):
    errors = problem(world.ask("POST", PATH, asked), 422)["errors"]

    assert {name.partition(".")[0] for name in errors} == {field}

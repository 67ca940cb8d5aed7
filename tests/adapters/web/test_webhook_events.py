import json
from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.domain.access import Role
from stripe_bridge.domain.webhook_event import MAX_ATTEMPTS
from tests.adapters.web.world import data_of, problem
from tests.builders import an_event_payload

PATH = "/api/stripe/webhook-events"
SHOWN = {
    "id", "integration_instance_id", "stripe_event_id", "event_type", "account_id", "livemode", "related_object_id",
    "status", "attempts", "last_error", "skip_reason", "next_attempt_at", "event_created_at", "processed_at",
    "created_at", "updated_at",
}  # fmt: skip


@pytest.fixture
def invoice(world):
    """A paid invoice; the event about the payment is stored."""
    integration = world.connect()
    world.put_order()
    sent = data_of(world.send(integration["id"]))
    world.pay(sent)
    return sent


def test_an_event_shows_every_field_and_its_payload_only_when_asked(world, invoice):
    (listed,) = data_of(world.ask("GET", PATH, role=Role.VIEWER))
    assert listed.keys() == SHOWN
    assert (
        listed
        | {
            "integration_instance_id": invoice["integration_instance_id"],
            "stripe_event_id": "evt_1",
            "event_type": "invoice.paid",
            "account_id": invoice["stripe_account_id"],
            "livemode": False,
            "related_object_id": invoice["stripe_invoice_id"],
            "status": "processed",
            "next_attempt_at": None,
        }
        == listed
    )
    path = f"{PATH}/{listed['id']}"
    assert data_of(world.ask("GET", path)) == listed
    assert data_of(world.ask("GET", f"{path}?include_payload=0")) == listed
    with_payload = data_of(world.ask("GET", f"{path}?include_payload=1"))
    assert with_payload.pop("payload")["type"] == "invoice.paid"
    assert with_payload == listed


@pytest.mark.parametrize(
    ("object_id", "role", "status"),
    [
        ("ours", Role.VIEWER, 403),
        ("ours", Role.MEMBER, 403),
        ("ours", Role.POWER_USER, 200),
        ("ours", Role.ADMIN, 200),
        ("in_foreign", Role.POWER_USER, 403),
        ("in_foreign", Role.ADMIN, 200),
    ],
)
def test_a_payload_is_shown_to_those_who_may_see_all_that_stripe_says(
    world, invoice, object_id, role, status
):
    """What the merchant does elsewhere at Stripe is not the ERP's business, though its events come here, too."""
    foreign = {"id": "in_foreign", "object": "invoice", "status": "open"}
    account_id = invoice["stripe_account_id"]
    world.post_event(an_event_payload("invoice.sent", foreign, id_="evt_2", account=account_id))
    world.bridge.webhook_events.apply()
    wanted = invoice["stripe_invoice_id"] if object_id == "ours" else object_id
    (event,) = data_of(world.ask("GET", f"{PATH}?related_object_id={wanted}"))
    path = f"{PATH}/{event['id']}"
    assert world.ask("GET", f"{path}?include_payload=1", role=role).status_code == status
    assert world.ask("GET", path, role=role).status_code == 200


def test_the_payload_of_an_event_that_is_not_applied_yet_is_for_admins(world, invoice):
    """Whose object it is about is not known before."""
    (event,) = data_of(world.ask("GET", PATH))
    path = f"{PATH}/{event['id']}?include_payload=1"
    assert world.ask("GET", path, role=Role.POWER_USER).status_code == 200
    world.bridge.webhook_events.replay("acme", event["id"])
    problem(world.ask("GET", path, role=Role.POWER_USER), 403)


@pytest.mark.parametrize(("given", "is_shown"), [("1", True), ("true", True), ("0", False), ("false", False)])
def test_a_payload_can_be_asked_for_in_either_spelling(world, invoice, given, is_shown):
    (event,) = data_of(world.ask("GET", PATH))
    shown = data_of(world.ask("GET", f"{PATH}/{event['id']}?include_payload={given}"))
    assert ("payload" in shown) is is_shown


def test_the_activity_log_has_the_events_of_its_invoice_in_either_order(world, invoice):
    account_id = invoice["stripe_account_id"]
    about_it = {"id": invoice["stripe_invoice_id"], "object": "invoice"}
    world.post_event(an_event_payload("invoice.sent", about_it, id_="evt_2", account=account_id))
    world.post_event(an_event_payload("invoice.sent", {"id": "in_x"}, id_="evt_3", account=account_id))
    path = f"/api/stripe/invoices/{invoice['id']}/activity-log"
    oldest_first = data_of(world.ask("GET", path))
    assert [event["stripe_event_id"] for event in oldest_first] == ["evt_1", "evt_2"]
    assert data_of(world.ask("GET", f"{path}?order=asc")) == oldest_first
    assert data_of(world.ask("GET", f"{path}?order=desc")) == oldest_first[::-1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=processed", True),
        ("status=failed", False),
        ("event_type=invoice.paid", True),
        ("event_type=invoice.sent", False),
        ("integration_instance_id=1", True),
        ("integration_instance_id=2", False),
        ("related_object_id=in_none", False),
    ],
)
def test_events_are_found_by_what_they_are(world, invoice, query, found):
    assert bool(data_of(world.ask("GET", f"{PATH}?{query}"))) is found


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (f"{PATH}?status=new", "status"),
        (f"{PATH}?integration_instance_id=x", "integration_instance_id"),
        (f"{PATH}?event_type=%00", "event_type"),
        (f"{PATH}?type=x", "type"),
        (f"{PATH}/1?include_payload=yes", "include_payload"),
        ("/api/stripe/invoices/1/activity-log?order=newest", "order"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused_by_parameter(world, invoice, path, field):
    assert list(problem(world.ask("GET", path), 422)["errors"]) == [field]


def test_an_event_is_replayed_as_if_it_had_just_come(world, invoice):
    (event,) = data_of(world.ask("GET", PATH))
    world.nudges.waiting.clear()
    answer = world.ask("POST", f"{PATH}/{event['id']}/replay")
    assert (answer.status_code, answer.get_json()) == (
        200,
        {"message": "Webhook event re-queued for processing."},
    )
    assert data_of(world.ask("GET", f"{PATH}/{event['id']}"))["status"] == "received"
    assert world.nudges.waiting == ["drain_inbox"]


def test_another_tenants_event_is_not_found(world, invoice):
    (event,) = data_of(world.ask("GET", PATH))
    for method, suffix in (("GET", ""), ("GET", "?include_payload=1"), ("POST", "/replay")):
        answer = world.ask(method, f"{PATH}/{event['id']}{suffix}", tenant="other")
        assert problem(answer, 404)["message"] == "Webhook event not found."
    assert data_of(world.ask("GET", PATH, tenant="other")) == []


def test_callers_hear_that_an_event_failed_and_only_operators_why(world, invoice):
    account_id = invoice["stripe_account_id"]
    unreadable = {"object": "invoice_payment", "invoice": invoice["stripe_invoice_id"], "amount_paid": "x"}
    world.post_event(an_event_payload("invoice_payment.paid", unreadable, id_="evt_bad", account=account_id))

    def reported() -> tuple[str, str]:
        world.bridge.webhook_events.apply()
        (shown,) = data_of(world.ask("GET", f"{PATH}?event_type=invoice_payment.paid", role=Role.VIEWER))
        activity = data_of(world.ask("GET", f"/api/stripe/invoices/{invoice['id']}/activity-log"))
        assert shown in activity
        assert data_of(world.ask("GET", f"{PATH}/{shown['id']}")) == shown
        for_operators = world.bridge.webhook_events.show(None, shown["id"], with_payload=False).last_error
        assert for_operators not in (None, shown["last_error"])
        return shown["status"], shown["last_error"]

    assert reported() == ("received", "It could not be applied yet and will be tried again.")
    for _ in range(MAX_ATTEMPTS):
        world.clock.advance(timedelta(hours=1))
        world.bridge.webhook_events.apply()
    assert reported() == (
        "failed",
        "It could not be applied and will not be tried again unless it is replayed. The operator's logs say why.",
    )


def test_a_payload_comes_back_as_stripe_meant_it(world, invoice):
    account_id = invoice["stripe_account_id"]
    payload = an_event_payload(
        "customer.created", {"id": "cus_1", "big": 2**60}, id_="evt_9", account=account_id
    )
    world.post_event(payload)
    (event,) = data_of(world.ask("GET", f"{PATH}?event_type=customer.created"))
    shown = data_of(world.ask("GET", f"{PATH}/{event['id']}?include_payload=1"))
    assert (shown["payload"], shown["skip_reason"]) == (json.loads(payload), "unknown_type")


def test_a_payload_that_is_no_longer_kept_is_null_and_its_replay_refused(world):
    world.put_order()
    world.pay(data_of(world.send(world.connect()["id"])))
    world.clock.advance(timedelta(days=91))
    world.bridge.operations.purge_payloads()
    (event, *_) = data_of(world.ask("GET", "/api/stripe/webhook-events"))
    path = f"/api/stripe/webhook-events/{event['id']}"
    shown = data_of(world.ask("GET", f"{path}?include_payload=1"))
    assert (shown["payload"], shown["status"]) == (None, "processed")
    assert "no longer kept" in problem(world.ask("POST", f"{path}/replay"), 422)["message"]


def test_a_damaged_payload_is_not_shown_and_the_event_is(world, invoice):
    events = world.store.committed.events.rows
    (event,) = events.values()
    events[event.id] = replace(event, payload=b'{"id": "evt_1", "da')

    shown = data_of(world.ask("GET", f"{PATH}/{event.id}?include_payload=1"))

    assert (shown["stripe_event_id"], shown["payload"]) == ("evt_1", None)

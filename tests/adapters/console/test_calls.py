"""Calls: what is not settled at Stripe, and what it refused."""

import re

import pytest

from stripe_bridge.domain.access import Role
from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.intent import Intent, IntentState, invoice_subject
from stripe_bridge.domain.refusal import Refusal
from stripe_bridge.ports.stripe.errors import OutcomeUnknown
from tests.adapters.console.browser import ConsoleWorld, text_of
from tests.builders import NOW, an_intent
from tests.contracts.stored import stored_integration, stored_intent

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def doubtful(world: ConsoleWorld) -> Intent:
    """A send of which Stripe did not say what came of it."""
    integration = world.connect()
    world.put_order()
    world.stripe.fail_next("finalize", OutcomeUnknown("timed out"), after_effect=True)
    for _ in range(20):
        world.stripe.fail_next("invoice", OutcomeUnknown("timed out"))
    world.send(integration["id"])
    world.stripe._failures.clear()
    with world.store.reading() as work:
        (unsettled,) = work.intents.unsettled_of_integration(integration["id"])
    return unsettled


def refused(world: ConsoleWorld, **changes) -> Intent:
    """A call that Stripe refused for good."""
    intent = stored_intent(world.store, **changes)
    with world.store.writing() as work:
        saved = work.intents.save(
            intent.fail(HOSTILE, NOW, Refusal(message=HOSTILE, code="resource_missing", request_id="req_1"))
        )
        work.commit()
    return saved


def test_what_is_unsettled_is_listed_with_the_reason(world, doubtful):
    said = text_of(world.operator().get("/console/calls"))
    assert f"{doubtful.id} acme finalize invoice 1" in said
    assert "timed out" in said


def test_why_a_call_went_wrong_in_here_is_for_operators_and_others_see_what_happens_next(world, doubtful):
    requests = f"/console/requests/{doubtful.origin.cause['request_id']}"
    pages = (
        "/console/calls",
        f"/console/calls/{doubtful.id}",
        requests,
        f"/console/invoices/{doubtful.invoice_id}",
    )
    operator, jane = world.operator(), world.visitor()
    for path in pages:
        assert "timed out" in text_of(operator.get(path, tenant="acme")), path
        told = text_of(jane.get(path))
        assert "timed out" not in told, path
        assert doubtful.public_error in told, path


def test_without_a_call_the_page_says_that_nothing_is_to_be_done(world):
    jane = world.visitor()
    assert "there is nothing to do" in text_of(jane.get("/console/calls"))
    assert "Stripe has refused no such calls." in text_of(jane.get("/console/calls", state="refused"))


def test_each_state_can_be_chosen_in_one_way(world):
    page = world.visitor().get("/console/calls").get_data(as_text=True)
    (states,) = re.findall(r'<select name="state">.*?</select>', page, flags=re.DOTALL)
    assert re.findall(r">([^<\n]+)</option>", states) == ["Unsettled", "Refused by Stripe"]


def test_refused_calls_are_listed_apart_and_what_stripe_says_is_text(world):
    call = refused(world)
    jane = world.visitor()
    assert "there is nothing to do" in text_of(jane.get("/console/calls"))
    for path, query in (("/console/calls", {"state": "refused"}), (f"/console/calls/{call.id}", {})):
        page = jane.get(path, **query).get_data(as_text=True)
        assert HOSTILE not in page
        assert "&lt;script&gt;" in page


def test_the_list_goes_on_where_it_ended(world):
    calls = [stored_intent(world.store, subject=invoice_subject(n), invoice_id=None) for n in range(27)]
    jane = world.visitor()
    first = jane.get("/console/calls").get_data(as_text=True)
    assert f">{calls[-1].id}</a>" in first
    assert f'href="/console/calls/{calls[0].id}"' not in first
    cursor = first.split("cursor=")[1].split('"')[0]
    assert f'href="/console/calls/{calls[0].id}"' in jane.get("/console/calls", cursor=cursor).get_data(
        as_text=True
    )


def test_a_call_is_settled_after_a_question_and_the_log_says_by_whom(world, doubtful):
    jane = world.visitor(Role.POWER_USER)
    path = f"/console/calls/{doubtful.id}/resolve"
    assert "Stripe is asked first" in text_of(jane.get(path))
    answer = jane.post(path, form=path)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/console/calls/{doubtful.id}")
    assert "it took effect" in text_of(jane.get(f"/console/calls/{doubtful.id}"))
    (recorded,) = world.bridge.changes.list("acme", 10, types=frozenset({ChangeType.INTENT_RESOLVED}))
    actor = recorded.shown()["actor"]
    assert (actor["type"], actor["id"]) == ("operator", "jane")


def test_one_that_stays_unsettled_says_why(world, doubtful):
    path = f"/console/calls/{doubtful.id}/resolve"
    for somebody, why in (
        (world.operator(), "still out."),
        (world.visitor(Role.POWER_USER), doubtful.public_error),
    ):
        world.stripe.fail_next("invoice", OutcomeUnknown("still out"))
        somebody.post(path, form=path)
        assert f"is still unsettled: {why}" in text_of(somebody.get("/console/calls"))


def test_a_settled_one_asks_nothing(world):
    call = refused(world)
    said = text_of(world.visitor(Role.POWER_USER).get(f"/console/calls/{call.id}/resolve"))
    assert "nothing is left to do" in said
    assert "Settle now" not in said


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MEMBER])
def test_who_may_not_settle_calls_sees_no_button_and_is_refused(world, doubtful, role):
    somebody = world.visitor(role)
    path = f"/console/calls/{doubtful.id}"
    page = somebody.get(path).get_data(as_text=True)
    assert "Settle it now" not in page
    # What it is made with contains personal data.
    assert "Parameters" not in page
    assert somebody.get(f"{path}/resolve").status_code == 403
    assert somebody.post(f"{path}/resolve", form="/console/calls").status_code == 403
    assert world.bridge.intents.show(doubtful.id).state is IntentState.UNKNOWN


def test_another_tenants_calls_are_not_there_and_an_operator_sees_all(world):
    stored_integration(world.store)
    theirs = stored_intent(world.store, **vars_of(an_intent(tenant_id="initech", invoice_id=None)))
    jane = world.visitor()
    assert "initech" not in text_of(jane.get("/console/calls"))
    for path in (f"/console/calls/{theirs.id}", f"/console/calls/{theirs.id}/resolve"):
        assert jane.get(path).status_code == 404
    assert jane.post(f"/console/calls/{theirs.id}/resolve", form="/console/calls").status_code == 404
    assert "initech" in text_of(world.operator().get("/console/calls"))
    assert world.operator().get(f"/console/calls/{theirs.id}").status_code == 200


def vars_of(intent: Intent) -> dict[str, object]:
    return {"tenant_id": intent.tenant_id, "invoice_id": intent.invoice_id}

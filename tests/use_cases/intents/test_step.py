"""What a step can rely on, and what it decides."""

from collections.abc import Callable
from typing import Any

import pytest

from stripe_bridge.domain.intent import Intent, IntentState, Operation
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.ports.stripe.errors import GatewayRefused, ObjectMissing
from stripe_bridge.use_cases.integrations import integration_steps
from stripe_bridge.use_cases.invoices import invoice_steps
from stripe_bridge.use_cases.receivers import receiver_steps
from stripe_bridge.use_cases.refunds import refund_steps
from tests.builders import an_integration, an_intent
from tests.use_cases.intents.settling import Settling
from tests.world import World


def refused(intent: Intent) -> Any:
    raise GatewayRefused("No such customer")


def succeeds(intent: Intent) -> Any:
    return "done"


def planning(settling: Settling) -> Callable[[UnitOfWork, Intent], Intent | None]:
    """Plans one intent to follow the first, and writes an integration along with it."""

    def plan(work: UnitOfWork, settled: Intent) -> Intent | None:
        if settled.subject == "follower":
            return None
        work.integrations.add(an_integration(account_id="acct_added"))
        now = settling.clock.now()
        return an_intent(subject="follower", created_at=now, due_at=now)

    return plan


@pytest.mark.parametrize(
    ("call", "state"), [(succeeds, IntentState.CONFIRMED), (refused, IntentState.FAILED)]
)
def test_what_follows_from_a_success_or_a_refusal_is_settled_next_and_by_no_other_worker(
    call: Callable[[Intent], Any], state: IntentState
):
    due_while_called: list[bool] = []

    def calls(intent: Intent) -> Any:
        due_while_called.append(settling.find(intent.id).is_due(settling.clock.now()))
        return call(intent) if intent.subject == "first" else "done"

    settling = Settling(calls)
    settling.step.plan = planning(settling)
    first = settling.plan(subject="first")

    settling.settle(first.id)

    _, follower_id = settling.step.called
    assert due_while_called == [False, False]
    assert settling.find(first.id).state is state
    assert settling.find(follower_id).state is IntentState.CONFIRMED
    assert settling.step.checked == [], "A call that was never made has no effect to look for."


@pytest.mark.parametrize("call", [succeeds, refused])
def test_what_a_step_writes_is_committed_with_the_state_of_its_intent_or_not_at_all(
    call: Callable[[Intent], Any],
):
    settling = Settling(call)
    intent = settling.plan(subject="first")

    def fails_after_writing(work: UnitOfWork, settled: Intent) -> Intent | None:
        planning(settling)(work, settled)
        raise ZeroDivisionError

    settling.step.plan = fails_after_writing
    settling.settle(intent.id)

    stored = settling.find(intent.id)
    assert (stored.state, stored.may_have_happened) == (IntentState.UNKNOWN, True)
    assert len(integrations_of(settling)) == 1, "Only the one that settling itself needs."

    settling.step.plan = planning(settling)
    settling.step.effect = "done"
    settling.clock.advance(stored.due_at - settling.clock.now())
    settling.settle(intent.id)

    assert settling.find(intent.id).state is IntentState.CONFIRMED
    assert len(integrations_of(settling)) == 2


def test_an_effect_whose_object_does_not_exist_is_a_refusal():
    settling = Settling()
    intent = settling.leased()
    settling.clock.advance(settling.leases.lease)
    settling.step.effect = ObjectMissing("No such invoice")

    settling.settle(intent.id)

    assert settling.find(intent.id).state is IntentState.FAILED
    assert settling.step.called == []


def integrations_of(settling: Settling) -> list[int]:
    with settling.store.reading() as work:
        return list(work.integrations.with_tokens())


def test_each_operation_is_settled_by_one_step_of_one_room():
    adapters = World().adapters
    rooms = [integration_steps, invoice_steps, receiver_steps, refund_steps]

    operations = [operation for steps_of in rooms for operation in steps_of(adapters)]

    assert sorted(operations) == sorted(Operation)

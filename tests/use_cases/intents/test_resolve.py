"""Intents that operators, or a reconnect, have settled at once."""

from datetime import timedelta

import pytest

from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.intent import IntentState, invoice_subject
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.origin import Actor, ActorType, Origin
from stripe_bridge.ports.origin import acting_as
from stripe_bridge.ports.storage.intents import IntentBeingSettled, IntentNotFound
from stripe_bridge.ports.stripe.errors import CallNotAccepted, OutcomeUnknown
from stripe_bridge.use_cases.intents.resolve import ResolveDueIntents, ResolveIntent, resume_waiting_intents
from tests.use_cases.intents.settling import Settling
from tests.use_cases.sends import a_day_goes_by, not_sent
from tests.world import World


@pytest.mark.parametrize("through", ["the same integration", "another one"])
def test_a_reconnect_makes_the_calls_that_waited_for_access_due_at_once(world: World, through: str):
    former = world.integration_id
    world.put_order()
    world.fail("finalize", OutcomeUnknown("500"), after_effect=True)
    world.fail("invoice", OutcomeUnknown("cut"), times=30)
    not_sent(world)
    world.stripe.revoke(world.account_id)
    world.stop_failing()
    a_day_goes_by(world)
    world.bridge.reconciliation.reconcile(world.integration_id)
    world.nudges.waiting.clear()

    world.connect(world.account_id, into=former if through == "the same integration" else None)

    assert "settle_intents" in world.nudges.waiting
    world.work_off()
    assert not world.unsettled(former)
    assert world.invoice(1).status is InvoiceStatus.OPEN


def resolve_intent(settling: Settling) -> ResolveIntent:
    return ResolveIntent(settling.store, settling.clock, settling.settle)


def resolve_due_intents(settling: Settling) -> ResolveDueIntents:
    return ResolveDueIntents(settling.store, settling.clock, settling.settle)


def test_an_intent_is_settled_now_although_its_backoff_has_not_ended():
    settling = Settling()
    waiting = settling.plan(due_at=settling.clock.now() + timedelta(minutes=15))

    resolved = resolve_intent(settling)(waiting.id)

    assert (resolved.state, settling.step.called) == (IntentState.CONFIRMED, [waiting.id])


def test_a_call_of_unknown_outcome_is_not_made_again_before_its_absence_is_conclusive():
    settling = Settling()
    unknown = settling.save(settling.leased().mark_unknown("cut", settling.clock.now(), jitter=1))

    resolved = resolve_intent(settling)(unknown.id)

    assert (resolved.state, settling.step.checked) == (IntentState.UNKNOWN, [unknown.id])
    assert settling.step.called == []


def test_another_tenants_intent_is_not_settled():
    settling = Settling()
    theirs = settling.plan(tenant_id="other")

    with pytest.raises(IntentNotFound):
        resolve_intent(settling)(theirs.id, tenant_id="acme")
    assert settling.step.called == []
    assert resolve_intent(settling)(theirs.id, tenant_id="other").state is IntentState.CONFIRMED


def test_a_settled_intent_stays_as_it_is():
    settling = Settling()
    settled = settling.save(settling.plan().fail("no", settling.clock.now()))

    assert resolve_intent(settling)(settled.id) == settled
    assert settling.step.called == []


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_leased_intent_is_refused_until_its_lease_ends(dry_run: bool):
    settling = Settling()
    leased = settling.leased()

    with pytest.raises(IntentBeingSettled):
        resolve_intent(settling)(leased.id, dry_run=dry_run)
    settling.clock.advance(settling.leases.lease)
    resolved = resolve_intent(settling)(leased.id, dry_run=dry_run)

    assert resolved.is_settled is not dry_run


def test_a_dry_run_changes_nothing():
    settling = Settling()
    waiting = settling.plan(due_at=settling.clock.now() + timedelta(minutes=15))
    due = settling.plan(subject=invoice_subject(2))

    assert resolve_intent(settling)(waiting.id, dry_run=True) == waiting
    assert resolve_due_intents(settling)(10, dry_run=True) == [due]
    assert settling.step.called == []


def test_an_intent_that_does_not_exist_is_not_found():
    with pytest.raises(IntentNotFound):
        resolve_intent(Settling())(1)


def test_each_that_is_settled_because_it_is_due_is_recorded_as_an_act_of_whoever_asked():
    settling = Settling()
    now = settling.clock.now()
    due = settling.plan(due_at=now)
    settling.plan(subject=invoice_subject(9), due_at=now + timedelta(minutes=1))
    resolve = resolve_due_intents(settling)

    with acting_as(Origin(actor=Actor(type=ActorType.OPERATOR, id="olga"))):
        resolve(10, dry_run=True)
        assert acts(settling) == []
        resolve(10, dry_run=False)

    assert acts(settling) == [(str(due.id), "olga")]


def acts(settling: Settling) -> list[tuple[str, str]]:
    """What was recorded: which call, and by whom it was resolved."""
    with settling.store.reading() as work:
        entries = work.audit.latest("acme", 2**62, 10, types=frozenset({ChangeType.INTENT_RESOLVED}))
    return [(entry.subject_id, entry.shown()["actor"]["id"]) for entry in entries]


def test_those_that_are_due_are_settled_once_each_longest_overdue_first_up_to_the_limit():
    def busy(_: object) -> str:
        raise CallNotAccepted("busy")

    settling = Settling(busy)
    now = settling.clock.now()
    by_minutes_overdue = {
        minutes: settling.plan(subject=invoice_subject(minutes), due_at=now - timedelta(minutes=minutes)).id
        for minutes in (1, 3, 2)
    }
    settling.plan(subject=invoice_subject(9), due_at=now + timedelta(minutes=1))

    resolved = resolve_due_intents(settling)(2, dry_run=False)
    assert settling.step.called == [by_minutes_overdue[3], by_minutes_overdue[2]]
    assert [(intent.id, intent.last_error) for intent in resolved] == [
        (by_minutes_overdue[3], "busy"),
        (by_minutes_overdue[2], "busy"),
    ]

    assert [each.id for each in resolve_due_intents(settling)(9, dry_run=False)] == [by_minutes_overdue[1]]


def test_only_calls_that_wait_in_the_account_are_resumed_and_not_those_a_worker_has_leased():
    settling = Settling()
    now, later = settling.clock.now(), settling.clock.now() + timedelta(hours=1)
    waiting = settling.plan(subject=invoice_subject(1), account_id="acct_1", due_at=later)
    leased = settling.leased(subject=invoice_subject(2), account_id="acct_1")
    elsewhere = settling.plan(subject=invoice_subject(3), account_id="acct_2", due_at=later)

    with settling.store.writing() as work:
        were_any = resume_waiting_intents(work, "acct_1", now)
        again = resume_waiting_intents(work, "acct_1", now)
        work.commit()

    assert (were_any, again) == (True, False)
    assert settling.find(waiting.id).due_at == now
    assert settling.find(leased.id) == leased
    assert settling.find(elsewhere.id) == elsewhere

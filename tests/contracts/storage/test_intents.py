"""What every store promises about intents."""

from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.domain.errors.conflicts import StaleWrite
from stripe_bridge.domain.intent import UNSETTLED, Intent, IntentState, Operation
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.domain.recovery import EVERYONE, RecoveryHold
from stripe_bridge.domain.refusal import Refusal
from stripe_bridge.ports.storage.intents import IntentFilter
from stripe_bridge.ports.storage.unit_of_work import IntentUnsettled, Store
from tests.builders import ACCOUNT, NOW, TENANT, an_intent
from tests.contracts.stored import at_once, stored_integration, stored_intent, stored_invoice

SETTLED = sorted(set(IntentState) - UNSETTLED)


def test_an_intent_comes_back_as_it_was_stored(store: Store):
    intent = stored_intent(store, parameters={"lines": [{"amount": 1}], "email": None})
    with store.writing() as work:
        assert work.intents.find(intent.id, lock=True) == intent
        taken = work.intents.save(intent.lease(NOW))
        work.commit()
    with store.reading() as work:
        assert work.intents.find(intent.id) == taken == replace(intent.lease(NOW), version=1)
        assert work.intents.find(intent.id + 1) is None


def leased(number: int) -> Intent:
    return an_intent(integration_id=None, subject=f"invoice:{number}").lease(NOW)


def test_an_open_hold_shows_when_an_intent_is_added_as_leased(store: Store):
    with store.writing() as work:
        free = work.intents.add_leased(leased(1))
        work.recoveries.hold(RecoveryHold(tenant_id="another", account_id=ACCOUNT, held_at=NOW))
        of_another = work.intents.add_leased(leased(2))
        work.recoveries.hold(RecoveryHold(tenant_id=TENANT, account_id=ACCOUNT, held_at=NOW))
        held = work.intents.add_leased(leased(3))
        work.recoveries.release(TENANT, ACCOUNT, NOW)
        released = work.intents.add_leased(leased(4))
        work.recoveries.hold(RecoveryHold(tenant_id=EVERYONE, account_id=EVERYONE, held_at=NOW))
        of_everyone = work.intents.add_leased(leased(5))
        added = [free, of_another, held, released, of_everyone]
        assert [each.may_be_held for each in added] == [False, False, True, False, True]
        assert [work.intents.find(each.intent.id) for each in added] == [each.intent for each in added]


def test_what_stripe_said_when_it_refused_a_call_comes_back(store: Store):
    intent, said = stored_intent(store), Refusal(message="No.", code="blocked", request_id="req_1")
    with store.writing() as work:
        failed = work.intents.save(intent.fail("No.", NOW, said))
        work.commit()
    with store.reading() as work:
        assert work.intents.find(intent.id) == failed
        assert failed.refusal == said


def test_an_intent_may_be_the_platforms_own(store: Store):
    intent = stored_intent(store, tenant_id=None, integration_id=None, subject="receiver:platform")
    with store.reading() as work:
        assert work.intents.find(intent.id) == intent
        assert work.intents.page(IntentFilter(), PageRequest()).items == [intent]


@pytest.mark.parametrize("state", sorted(UNSETTLED))
def test_a_subject_has_one_unsettled_intent(store: Store, state):
    first = stored_intent(store, state=state)
    with store.writing() as work:
        assert work.intents.find_unsettled(first.subject) == first
        with pytest.raises(IntentUnsettled):
            work.intents.add(an_intent(integration_id=first.integration_id))
        other = work.intents.add(an_intent(integration_id=first.integration_id, subject="invoice:2"))
        # The unit of work goes on.
        assert work.intents.find_unsettled("invoice:2") == other


@pytest.mark.parametrize("state", SETTLED)
def test_a_settled_intent_makes_room_for_the_next(store: Store, state):
    first = stored_intent(store)
    with store.writing() as work:
        work.intents.save(replace(first, state=state))
        assert work.intents.find_unsettled(first.subject) is None
        following = work.intents.add(an_intent(integration_id=first.integration_id))
        assert work.intents.find_unsettled(first.subject) == following


def test_of_simultaneous_intents_on_one_subject_one_is_stored(store: Store):
    integration = stored_integration(store)
    outcomes = at_once(10, lambda _number: stored_intent(store, integration_id=integration.id))
    assert sum(isinstance(outcome, IntentUnsettled) for outcome in outcomes) == 9


def test_of_simultaneous_takers_one_gets_the_intent(store: Store):
    intent = stored_intent(store)

    def take(_number: int) -> None:
        with store.writing() as work:
            work.intents.save(intent.lease(NOW))
            work.commit()

    outcomes = at_once(10, take)
    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, StaleWrite) for outcome in outcomes) == 9


def test_due_intents_come_longest_due_first_up_to_the_limit(store: Store):
    due = {
        minutes: stored_intent(
            store, subject=f"invoice:{minutes}", due_at=NOW + timedelta(minutes=minutes)
        ).id
        for minutes in (0, -5, 5, -10)
    }
    stored_intent(store, subject="settled", state=IntentState.CONFIRMED, due_at=NOW - timedelta(days=1))
    with store.reading() as work:
        assert work.intents.due(NOW, 10) == [due[-10], due[-5], due[0]]
        assert work.intents.due(NOW, 2) == [due[-10], due[-5]]
        assert work.intents.due(NOW - timedelta(hours=1), 10) == []


def test_an_integrations_unsettled_intents_come_oldest_first(store: Store):
    integration = stored_integration(store)
    intents = [
        stored_intent(store, integration_id=integration.id, subject=f"invoice:{number}") for number in (2, 1)
    ]
    stored_intent(store, integration_id=integration.id, subject="settled", state=IntentState.FAILED)
    with store.reading() as work:
        assert work.intents.unsettled_of_integration(integration.id) == intents
        assert work.intents.unsettled_of_integration(integration.id + 1) == []


def test_an_accounts_unsettled_intents_of_all_tenants_come_longest_due_first(store: Store):
    early = NOW - timedelta(minutes=5)
    late = stored_intent(store, integration_id=stored_integration(store).id, subject="invoice:1", due_at=NOW)
    intents = [stored_intent(store, subject="invoice:2", due_at=early), late]
    stored_intent(store, subject="settled", state=IntentState.FAILED)
    stored_intent(store, subject="invoice:3", account_id="acct_another")
    with store.reading() as work:
        assert work.intents.unsettled_in_account(late.account_id) == intents


def test_an_invoice_is_unsettled_while_an_intent_on_it_is(store: Store):
    invoice = stored_invoice(store)
    intent = stored_intent(
        store, integration_id=invoice.integration_id, invoice_id=invoice.id, subject="customer:1"
    )
    with store.writing() as work:
        assert work.intents.is_unsettled_for(invoice.id)
        assert not work.intents.is_unsettled_for(invoice.id + 1)
        work.intents.save(intent.confirm(NOW))
        assert not work.intents.is_unsettled_for(invoice.id)


def test_intents_are_listed_newest_first_by_each_of_the_filters(store: Store):
    one = stored_integration(store)
    two = stored_integration(store, tenant_id="other", account_id="acct_2")
    planned = stored_intent(store, integration_id=one.id, subject="a")
    failed = stored_intent(store, integration_id=one.id, subject="b", state=IntentState.FAILED)
    others = stored_intent(store, integration_id=two.id, subject="c", tenant_id="other")

    def found(**wanted):
        with store.reading() as work:
            page = work.intents.page(IntentFilter(**wanted), PageRequest())
        assert page.total == len(page.items)
        return page.items

    assert found() == [others, failed, planned]
    assert found(tenant_id="other") == [others]
    assert found(integration_id=one.id) == [failed, planned]
    assert found(states=UNSETTLED) == [others, planned]
    assert found(states=frozenset({IntentState.FAILED})) == [failed]
    assert found(states=frozenset({IntentState.FAILED}), tenant_id="other") == []
    assert found(operations=frozenset({failed.operation})) == [others, failed, planned]
    assert found(operations=frozenset(Operation) - {failed.operation}) == []


def test_the_backlog_is_what_is_not_settled_over_all_tenants(store: Store):
    with store.reading() as work:
        empty = work.intents.backlog()
    assert (sum(empty.by_status.values()), empty.oldest_at) == (0, None)
    integration = stored_integration(store)
    for number, state in enumerate(IntentState):
        stored_intent(
            store,
            integration_id=integration.id,
            subject=f"invoice:{number}",
            reference=f"reference-{number}",
            tenant_id=f"tenant-{number}",
            state=state,
            created_at=NOW - timedelta(seconds=number),
        )
    with store.reading() as work:
        backlog = work.intents.backlog()
    assert dict(backlog.by_status) == dict.fromkeys(UNSETTLED, 1)
    oldest = max(number for number, state in enumerate(IntentState) if state in UNSETTLED)
    assert backlog.oldest_at == NOW - timedelta(seconds=oldest)

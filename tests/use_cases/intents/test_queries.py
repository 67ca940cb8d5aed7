"""Reading intents, over all tenants."""

from dataclasses import replace

import pytest

from stripe_bridge.domain.intent import IntentState, invoice_subject
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.ports.storage.intents import IntentFilter, IntentNotFound
from stripe_bridge.use_cases.intents.queries import ListIntents, ShowIntent
from tests.use_cases.intents.settling import Settling


def test_intents_are_listed_newest_first_whatever_tenant_they_are_of():
    settling = Settling()
    planned = [
        settling.plan(subject=invoice_subject(number), tenant_id=tenant)
        for number, tenant in enumerate(("acme", "other", "acme"))
    ]

    listed = ListIntents(settling.store)(IntentFilter(), PageRequest(per_page=2))

    assert (listed.items, listed.total) == ([planned[2], planned[1]], 3)


def test_a_filter_leaves_out_intents_of_other_tenants_and_states():
    settling = Settling()
    theirs = settling.plan(subject=invoice_subject(1), tenant_id="other")
    ours = settling.plan(subject=invoice_subject(2))
    settled = settling.save(replace(settling.plan(subject=invoice_subject(3)), state=IntentState.FAILED))
    list_intents = ListIntents(settling.store)

    assert list_intents(IntentFilter(tenant_id="other"), PageRequest()).items == [theirs]
    failed = IntentFilter(states=frozenset({IntentState.FAILED}))
    assert list_intents(failed, PageRequest()).items == [settled]
    planned = IntentFilter(tenant_id=ours.tenant_id, states=frozenset({IntentState.PLANNED}))
    assert list_intents(planned, PageRequest()).items == [ours]


def test_an_intent_is_shown_by_its_id_or_is_not_found():
    settling = Settling()
    intent = settling.plan(tenant_id="other")

    assert ShowIntent(settling.store)(intent.id) == intent
    with pytest.raises(IntentNotFound):
        ShowIntent(settling.store)(intent.id + 1)


def test_another_tenants_intent_is_not_there():
    settling = Settling()
    theirs = settling.plan(tenant_id="other")
    show = ShowIntent(settling.store)

    assert show(theirs.id, "other") == theirs == show(theirs.id)
    with pytest.raises(IntentNotFound):
        show(theirs.id, "acme")

"""What every ingest promises: to store as the inbox does, for many callers at a time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.domain.webhook_event import EventStatus, SkipReason
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.builders import NOW, TENANT, a_webhook_event, an_event_payload
from tests.contracts.stored import at_once, claim, stored_integration
from tests.event_loop import Receive


def test_an_event_that_is_received_is_committed_as_one_that_is_stored(store: Store, receive: Receive):
    integration = stored_integration(store)
    payload = an_event_payload() + b"\x00\xff exactly these bytes"
    given = a_webhook_event(tenant_id="ignored", integration_id=99)
    assert receive(replace(given, payload=payload))
    (event,) = claim(store)
    assert event.payload == payload
    assert (event.tenant_id, event.integration_id) == (TENANT, integration.id)
    assert replace(
        event, id=given.id, status=given.status, attempts=0, due_at=given.due_at, updated_at=given.updated_at
    ) == replace(given, tenant_id=TENANT, integration_id=integration.id, payload=payload)


@pytest.mark.parametrize(
    ("left_after", "owner"),
    [([], None), ([None], "left after None"), ([2, 5, 3], "left after 5"), ([2, None, 3], "left after None")],
)
def test_a_received_event_has_the_same_owner_as_a_stored_one(
    store: Store, receive: Receive, left_after: list[int | None], owner: str | None
):
    """`left_after`: after how many hours each integration left the account; None is connected to it."""
    for hours in left_after:
        left = {} if hours is None else {"connected": False, "disconnected_at": NOW + timedelta(hours=hours)}
        stored_integration(store, tenant_id=f"left after {hours}", **left)
    with store.writing() as work:
        work.inbox.store(a_webhook_event(payload=an_event_payload(id_="evt_stored")))
        work.commit()
    assert receive(a_webhook_event(payload=an_event_payload(id_="evt_received")))
    stored, received = claim(store)
    assert (received.tenant_id, received.integration_id) == (stored.tenant_id, stored.integration_id)
    assert received.tenant_id == owner


def test_an_event_that_is_skipped_at_once_is_received_with_its_reason(store: Store, receive: Receive):
    event = a_webhook_event(payload=an_event_payload(), account_id="acct_unknown", related_object_id=None)
    assert receive(event.skipped(SkipReason.UNKNOWN_TYPE, event.created_at))
    with store.reading() as work:
        (stored,) = work.inbox.oldest(None, EventFilter(), 2)
    assert (stored.status, stored.skip_reason) == (EventStatus.SKIPPED, SkipReason.UNKNOWN_TYPE)
    assert (stored.tenant_id, stored.processed_at) == (None, event.created_at)


def test_of_many_received_at_once_each_is_stored_once_and_one_of_each_is_new(store: Store, receive: Receive):
    stored_integration(store)
    outcomes = at_once(
        24,
        lambda number: receive(a_webhook_event(payload=an_event_payload(id_=f"evt_{number % 8}"))),
    )
    assert sorted(map(str, outcomes)) == ["False"] * 16 + ["True"] * 8
    assert len(claim(store)) == 8


def test_payloads_as_large_as_they_may_be_are_received_at_once(store: Store, receive: Receive):
    payloads = [bytes([number]) * 1024 * 1024 for number in range(12)]
    outcomes = at_once(
        12,
        lambda number: receive(
            replace(a_webhook_event(payload=an_event_payload(id_=f"evt_{number}")), payload=payloads[number])
        ),
    )
    assert outcomes == [True] * 12
    assert sorted(event.payload or b"" for event in claim(store)) == payloads

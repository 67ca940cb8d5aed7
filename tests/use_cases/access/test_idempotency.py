"""Requests with a key that take longer than their lease."""

from dataclasses import replace

import pytest

from stripe_bridge.domain.errors.conflicts import RequestStillRunning
from stripe_bridge.domain.idempotency import LEASE, IdempotentRequest, RequestScope, StoredResponse
from tests.world import World

SCOPE = RequestScope(token_id="token:1", method="POST", path="/api/stripe/invoices", key="k-1")


def begin(world: World) -> IdempotentRequest:
    begun = world.bridge.access.begin_request(SCOPE, "a body")
    assert isinstance(begun, IdempotentRequest)
    return begun


def answer(status: int) -> StoredResponse:
    return StoredResponse(status=status, content_type="application/json", body=b"{}")


@pytest.mark.parametrize("late", [201, 502])
def test_the_late_response_of_an_abandoned_request_does_not_free_the_key_of_the_running_one(
    world: World, late: int
):
    given_up = begin(world)
    world.clock.advance(LEASE)
    running = begin(world)

    world.bridge.access.finish_request(given_up, answer(late))

    with pytest.raises(RequestStillRunning):
        world.bridge.access.begin_request(SCOPE, "a body")
    world.bridge.access.finish_request(running, answer(200))
    assert world.bridge.access.begin_request(SCOPE, "a body") == answer(200)


def test_a_secret_answer_that_no_key_opens_any_more_is_made_again(world: World):
    begun = begin(world)
    world.bridge.access.finish_request(begun, answer(200), is_secret=True)
    assert world.bridge.access.begin_request(SCOPE, "a body", is_secret=True) == answer(200)
    with world.store.writing() as work:
        work.idempotent_requests.save(replace(begun, answer=answer(200)))
        work.commit()

    assert isinstance(world.bridge.access.begin_request(SCOPE, "a body", is_secret=True), IdempotentRequest)


def test_a_late_response_is_stored_if_no_other_request_came_meanwhile(world: World):
    begun = begin(world)
    world.clock.advance(2 * LEASE)

    world.bridge.access.finish_request(begun, answer(201))

    assert world.bridge.access.begin_request(SCOPE, "a body") == answer(201)

from datetime import timedelta

import pytest

from stripe_bridge.domain.errors.base import RequestNotFound
from stripe_bridge.domain.origin import Actor, ActorType, Origin
from stripe_bridge.domain.request_trace import KEPT_FOR
from stripe_bridge.ports.origin import acting_as
from tests.builders import TENANT
from tests.world import World

REQUEST = Origin(actor=Actor(type=ActorType.TOKEN, id="token:1"), cause={"request_id": "req-1"})


def test_a_send_is_found_with_all_its_calls_by_the_request_that_asked_for_it():
    world = World()
    world.connect()
    with acting_as(REQUEST):
        world.sent()
    trace = world.bridge.changes.trace_request("req-1", TENANT)
    types = [entry.type.value for entry in trace.entries]
    assert "invoice.created" in types
    assert "invoice.sent" in types
    operations = [intent.operation.value for intent in trace.intents]
    assert operations[-1].startswith("send")
    assert len(operations) >= 4


def test_a_request_that_did_nothing_is_not_found_nor_another_tenants():
    world = World()
    with acting_as(REQUEST):
        world.add_integration()
    for request_id, tenant_id in (("req-2", None), ("req-1", "initech"), ("", None)):
        with pytest.raises(RequestNotFound):
            world.bridge.changes.trace_request(request_id, tenant_id)


def test_requests_are_forgotten_after_ninety_days():
    world = World()
    world.connect()
    with acting_as(REQUEST):
        world.sent()
    world.clock.advance(KEPT_FOR + timedelta(days=36_500))
    assert world.bridge.changes.forget_requests() is False
    with pytest.raises(RequestNotFound):
        world.bridge.changes.trace_request("req-1")

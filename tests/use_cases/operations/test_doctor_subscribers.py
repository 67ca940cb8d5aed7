"""What the doctor says about subscribers."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.finding import Finding, Severity
from stripe_bridge.domain.subscriber import DisabledReason
from stripe_bridge.use_cases.operations.doctor_subscribers import DiagnoseSubscribers
from tests.builders import TENANT
from tests.use_cases.subscribers.subscribed import record, subscribe
from tests.world import World

LONG = timedelta(minutes=11)


def diagnose(world: World, *, is_key_wrong: bool = False) -> list[Finding]:
    check = DiagnoseSubscribers(world.store, world.clock, world.adapters.vault)
    return list(check(is_key_wrong=is_key_wrong))


def change(world: World, subscriber_id: int, **fields: Any) -> None:
    with world.store.writing() as work:
        found = work.subscribers.get(TENANT, subscriber_id, lock=True)
        work.subscribers.save(replace(found, **fields))
        work.commit()


def up_to_date(world: World) -> int:
    subscriber = subscribe(world)
    world.bridge.subscribers.deliver(subscriber.id)
    return subscriber.id


def test_nothing_is_said_while_all_are_told():
    world = World()
    assert diagnose(world) == []
    up_to_date(world)
    assert diagnose(world) == []


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (DisabledReason.GONE, "410"),
        (DisabledReason.FAILING, "five days"),
        (DisabledReason.HISTORY_CHANGED, "holds other changes"),
    ],
)
def test_a_disabled_one_is_an_error_with_its_reason(reason: DisabledReason, words: str):
    world = World()
    id_ = up_to_date(world)
    change(world, id_, enabled=False, disabled_reason=reason)
    [finding] = diagnose(world)
    assert finding.severity is Severity.ERROR
    assert finding.subject == f"subscriber {id_} of tenant {TENANT}"
    assert words in finding.what
    assert f"stripe-bridge subscribers resume {id_}" in finding.remedy


def test_one_that_was_disabled_on_request_is_no_finding():
    world = World()
    world.bridge.subscribers.update(TENANT, up_to_date(world), {"enabled": False})
    assert diagnose(world) == []


def test_one_that_fails_for_long_is_a_warning_with_its_error():
    world = World()
    id_ = up_to_date(world)
    record(world, ChangeType.INVOICE_PAID)
    world.deliveries.answers = [500]
    world.bridge.subscribers.deliver(id_)
    assert diagnose(world) == []
    world.clock.advance(LONG)
    [finding] = diagnose(world)
    assert finding.severity is Severity.WARNING
    assert "1 attempt in a row failed: The receiver answered 500" in finding.what


def test_one_that_nobody_delivers_to_is_a_warning():
    world = World()
    up_to_date(world)
    record(world, ChangeType.INVOICE_PAID)
    with world.store.reading() as work:
        recorded_at = work.subscribers.backlog().oldest_at
    assert recorded_at is not None
    world.clock.advance(recorded_at - world.clock.now())
    assert diagnose(world) == []
    world.clock.advance(LONG)
    [finding] = diagnose(world)
    assert "behind by 1 change" in finding.what
    assert "is a worker running?" in finding.what


def test_a_secret_that_cannot_be_opened_is_an_error_unless_the_key_is_wrong():
    world = World()
    change(world, up_to_date(world), sealed_secret="sealed(another):x")
    [finding] = diagnose(world)
    assert "cannot be opened" in finding.what
    assert diagnose(world, is_key_wrong=True) == []

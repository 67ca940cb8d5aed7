from dataclasses import replace

import pytest

from stripe_bridge.domain.errors.base import RefundNotFound
from stripe_bridge.domain.errors.conflicts import RefundNotDuplicate
from stripe_bridge.domain.refund import Refund
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.builders import AMOUNT, TENANT
from tests.use_cases.refunding import refund_again
from tests.world import World


def duplicates(store: Store) -> list[Refund]:
    with store.reading() as work:
        return list(work.refunds.duplicates())


@pytest.fixture
def second(world: World) -> Refund:
    """The refund that was made twice, as it is known here the second time."""
    world.paid()
    (ours,) = world.refund(1, 4_000)
    refund_again(world, ours)
    world.deliver()
    (found,) = duplicates(world.store)
    assert found.duplicate_of == ours.id
    return found


def test_an_accepted_duplicate_stays_in_the_ledger_and_is_no_longer_reported(world: World, second: Refund):
    world.clock.advance(seconds=60)

    accepted = world.bridge.refunds.accept_duplicate(TENANT, second.id)

    assert accepted == replace(
        second, duplicate_of=None, updated_at=world.clock.now(), version=second.version + 1
    )
    assert accepted in world.bridge.refunds.list(TENANT, 1)
    assert duplicates(world.store) == []
    assert world.invoice(1).amount_refunded == 8_000 < AMOUNT


def test_an_accepted_duplicate_is_not_reported_again_when_stripe_shows_it_again(world: World, second: Refund):
    world.bridge.refunds.accept_duplicate(TENANT, second.id)

    world.deliver()
    world.bridge.reconciliation.reconcile(world.integration_id)
    world.work_off()

    assert duplicates(world.store) == []


def test_only_a_duplicate_of_ones_own_can_be_accepted(world: World, second: Refund):
    with pytest.raises(RefundNotFound):
        world.bridge.refunds.accept_duplicate("another", second.id)
    with pytest.raises(RefundNotFound):
        world.bridge.refunds.accept_duplicate(TENANT, 999)
    with pytest.raises(RefundNotDuplicate):
        world.bridge.refunds.accept_duplicate(TENANT, second.duplicate_of)
    assert duplicates(world.store) == [second]

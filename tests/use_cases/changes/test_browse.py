"""Operators see a log as it is stored."""

import pytest

from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.errors.base import ChangeNotFound
from stripe_bridge.use_cases.changes import browse
from tests.use_cases.changes.logs import length, used
from tests.world import World


def test_the_newest_come_first_and_the_list_goes_on_below_a_number(world: World):
    used(world)
    last = length(world)
    first = world.bridge.changes.list(world.tenant, 3)
    assert [each.sequence for each in first] == [last, last - 1, last - 2]
    assert world.bridge.changes.list(world.tenant, 1, before=last - 2)[0].sequence == last - 3
    between = world.bridge.changes.list(world.tenant, 9, before=last, after=last - 3)
    assert [each.sequence for each in between] == [last - 1, last - 2]
    types = frozenset({ChangeType.REFUND_CREATED})
    assert {each.type for each in world.bridge.changes.list(world.tenant, 9, types=types)} == types


def test_one_is_found_by_its_number(world: World):
    used(world)
    assert world.bridge.changes.show(world.tenant, 2).sequence == 2
    for absent in (length(world) + 1, 10**9):
        with pytest.raises(ChangeNotFound):
            world.bridge.changes.show(world.tenant, absent)


def test_everything_is_exported_in_order_and_then_what_comes(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(browse, "_READ_AT_ONCE", 2)
    used(world)
    last = length(world)
    assert [each.sequence for each in world.bridge.changes.export(world.tenant, 1)] == list(
        range(2, last + 1)
    )

    def wait() -> bool:
        """Until another order is there."""
        is_first = length(world) == last
        if is_first:
            world.put_order(777)
        return is_first

    followed = [each.sequence for each in world.bridge.changes.export(world.tenant, last, wait)]
    assert followed == list(range(last + 1, length(world) + 1))
    assert followed

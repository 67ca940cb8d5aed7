"""What is known of a log without reading it."""

from stripe_bridge.domain.changes.change import NO_TENANT
from tests.use_cases.changes.logs import length, used
from tests.world import World


def test_a_log_that_has_nothing_has_no_end_and_was_never_checked(world: World):
    status = world.bridge.changes.show_status("nobody")
    assert (status.head, status.check) == (None, None)


def test_a_log_has_an_end_at_once_and_a_check_once_a_worker_has_come_to_it(world: World):
    used(world)
    before = world.bridge.changes.show_status(world.tenant)
    assert before.head.sequence == length(world)
    assert before.check is None

    world.bridge.changes.check_next()

    after = world.bridge.changes.show_status(world.tenant).check
    assert (after.sequence, after.fault_kind) == (length(world), None)
    assert after.completed_at == world.clock.now()
    assert world.bridge.changes.show_status(NO_TENANT).check is None

from dataclasses import replace

from tests.fakes.vault import FakeVault
from tests.world import World


def test_the_service_is_ready_with_database_and_queue_and_needs_no_stripe():
    world = World()
    world.stripe.accounts.clear()

    readiness = world.bridge.operations.check_readiness()

    assert readiness.is_ready
    assert set(readiness.faults) == {"database", "queue", "secrets"}
    assert not world.calls()


def test_what_is_unreachable_is_named_with_what_is_wrong():
    world = World()
    world.store.is_available = False
    assert world.bridge.operations.check_readiness().faults == {
        "database": "The database is unavailable.",
        "queue": None,
        "secrets": None,
    }
    world.store.is_available, world.nudges.is_available = True, False

    readiness = world.bridge.operations.check_readiness()
    assert not readiness.is_ready
    assert readiness.faults["queue"]


def test_a_clock_that_is_off_is_named_and_leaves_the_service_ready():
    world = World()
    for host_ahead, said in [(30, None), (31, "31 s fast"), (-31, "31 s slow"), (151, "makes no calls")]:
        world.clock.host_ahead = host_ahead
        readiness = world.bridge.operations.check_readiness()
        assert readiness.is_ready
        warning = readiness.warnings["clock"]
        assert warning is None if said is None else warning is not None and said in warning


def test_secrets_that_no_key_opens_are_a_fault():
    world = World()
    world.bridge.receivers.register()
    assert world.bridge.operations.check_readiness().is_ready
    world.adapters = replace(world.adapters, vault=FakeVault("another key"))
    world.restart()

    readiness = world.bridge.operations.check_readiness()

    assert not readiness.is_ready
    assert "cannot be opened" in (readiness.faults["secrets"] or "")

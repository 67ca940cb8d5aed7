"""Like test_crashes.py, but with real processes that are killed, so that nothing can clean up."""

import signal
from itertools import count

import pytest

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_emulator.server import EmulatorServer
from tests.fakes.system import FrozenClock
from tests.proofs.emulated_world import EmulatedWorld
from tests.proofs.folding import assert_the_log_tells_everything
from tests.proofs.moments import moment_of
from tests.proofs.processes import Processes, Program
from tests.proofs.scenarios import SCENARIOS


@pytest.mark.slow
@pytest.mark.parametrize(("act", "crossings"), [("send", 20), ("refund", 4), ("void", 4)])
def test_a_process_killed_at_any_crossing_leaves_what_another_finishes(
    act: str, crossings: int, database_url: str, program: Program
):
    scenario = SCENARIOS["send-new-customer" if act == "send" else act]
    store = SqlStore(create_engine(database_url, pool_size=5))
    with EmulatorServer() as emulator:
        processes = Processes(program, emulator, database_url)
        world = EmulatedWorld(emulator, FrozenClock(), store)
        scenario.prepare(world)
        go_back = moment_of(world)
        for number in count(1):
            go_back()
            status = processes.run(world, number, act)
            assert processes.run(world, 0, act) == 0
            assert not world.unsettled()
            if scenario.again is not None:
                scenario.again(world)
            scenario.check(world)
            assert_the_log_tells_everything(store, world.tenant)
            if status == 0:
                break
            assert status == -signal.SIGKILL
    store.close()
    assert number > crossings

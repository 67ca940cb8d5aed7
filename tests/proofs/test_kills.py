"""Like test_crashes.py, but with real processes that are killed, so that nothing can clean up."""

import os
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_emulator.server import EmulatorServer
from tests.fakes.system import FrozenClock
from tests.proofs.emulated_world import EmulatedWorld
from tests.proofs.scenarios import SCENARIOS

ROOT = Path(__file__).parents[2]


class Processes:
    """Processes that run one after the other; `run` returns how each ended."""

    def __init__(self, emulator: EmulatorServer, database_url: str) -> None:
        env = {
            **os.environ,
            "PUBLIC_URL": "https://bridge.test",
            "STRIPE_SECRET_KEY": emulator.settings.secret_key,
            "STRIPE_CLIENT_ID": emulator.settings.client_id,
            "STRIPE_API_BASE": emulator.url,
            "STRIPE_CONNECT_BASE": emulator.url,
            "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "DATABASE_URL": database_url,
            "INTENT_LEASE_SECONDS": "0.2",
            "INTENT_SETTLE_SECONDS": "0.2",
        }
        self.program = subprocess.Popen(
            [sys.executable, "-m", "tests.proofs.program"],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, world: EmulatedWorld, crash_at: int, act: str) -> int:
        assert self.program.stdin
        assert self.program.stdout
        invoice_id = getattr(world, "invoice_id", 0)
        self.program.stdin.write(f"{crash_at} {act} {world.tenant} {world.integration_id} {invoice_id}\n")
        self.program.stdin.flush()
        return int(self.program.stdout.readline())


@pytest.mark.slow
@pytest.mark.parametrize(("act", "crossings"), [("send", 20), ("refund", 4), ("void", 4)])
def test_a_process_killed_at_any_crossing_leaves_what_another_finishes(
    act: str, crossings: int, database_url: str
):
    scenario = SCENARIOS["send-new-customer" if act == "send" else act]
    store = SqlStore(create_engine(database_url, pool_size=5))
    with EmulatorServer() as emulator:
        processes = Processes(emulator, database_url)
        with processes.program:
            for number in count(1):
                world = EmulatedWorld(emulator, FrozenClock(), store, tenant=f"tenant-{number}")
                scenario.prepare(world)
                status = processes.run(world, number, act)
                assert processes.run(world, 0, act) == 0
                assert not world.unsettled()
                if scenario.again is not None:
                    scenario.again(world)
                scenario.check(world)
                if status == 0:
                    break
                assert status == -signal.SIGKILL
    store.close()
    assert number > crossings

"""Our end of the program in program.py."""

import os
import subprocess
import sys
from pathlib import Path

from cryptography.fernet import Fernet

from stripe_emulator.server import EmulatorServer
from tests.proofs.emulated_world import EmulatedWorld

ROOT = Path(__file__).parents[2]


class Processes:
    """Processes that run one after the other; `run` returns how each ended."""

    def __init__(self, emulator: EmulatorServer, database_url: str, *, lease: str = "0.2") -> None:
        env = {
            **os.environ,
            "PUBLIC_URL": "https://bridge.test",
            "STRIPE_SECRET_KEY": emulator.settings.secret_key,
            "STRIPE_CLIENT_ID": emulator.settings.client_id,
            "STRIPE_API_BASE": emulator.url,
            "STRIPE_CONNECT_BASE": emulator.url,
            "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "DATABASE_URL": database_url,
            "STRIPE_REQUESTS_PER_SECOND": "10000",
            "INTENT_LEASE_SECONDS": lease,
            "INTENT_SETTLE_SECONDS": lease,
        }
        self.program = subprocess.Popen(
            [sys.executable, "-m", "tests.proofs.program"],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, world: EmulatedWorld, how: int | str, act: str) -> int:
        invoice_id = getattr(world, "invoice_id", 0)
        return self._say(f"{how} {act} {world.tenant} {world.integration_id} {invoice_id}")

    def resume(self) -> int:
        """Let the process that stopped itself go on, to its end."""
        return self._say("resume")

    def _say(self, line: str) -> int:
        assert self.program.stdin
        assert self.program.stdout
        self.program.stdin.write(f"{line}\n")
        self.program.stdin.flush()
        return int(self.program.stdout.readline())

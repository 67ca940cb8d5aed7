"""Our end of the program in program.py."""

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography.fernet import Fernet

from stripe_emulator.server import EmulatorServer
from tests.proofs.emulated_world import EmulatedWorld

ROOT = Path(__file__).parents[2]


class Program:
    """One serves many tests: to start it takes longer than what it forks."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.proofs.program"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **question: Any) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{json.dumps(question)}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.__exit__(kind, error, trace)


class Processes:
    """Processes that run one after the other; `run` returns how each ended."""

    def __init__(
        self, program: Program, emulator: EmulatorServer, database_url: str, *, lease: str = "0.2"
    ) -> None:
        self._program = program
        self._settings = {
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

    def run(self, world: EmulatedWorld, how: int | str, act: str) -> int:
        return self._program.ask(
            settings=self._settings,
            how=str(how),
            what=act,
            tenant=world.tenant,
            integration_id=world.integration_id,
            invoice_id=getattr(world, "invoice_id", 0),
        )

    def resume(self) -> int:
        """Let the process that stopped itself go on, to its end."""
        return self._program.ask(resume=True)

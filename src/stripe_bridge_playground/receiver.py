"""The ERP's receiver of changes: the one of examples/receivers/python, which prints what it is told."""

import os
import sysconfig
import threading
from collections.abc import Callable
from pathlib import Path

import requests

from stripe_bridge_playground.programs import Program
from stripe_bridge_playground.settings import HOST


def _example() -> Path:
    """Where it is in a clone, or else where the wheel has it."""
    in_a_clone = Path(__file__).parents[2] / "examples" / "receivers" / "python"
    installed = Path(sysconfig.get_path("data")) / "share" / "stripe-bridge" / "receiver"
    return in_a_clone if in_a_clone.is_dir() else installed


EXAMPLE = _example()


class Receiver:
    """Runs until it is stopped. `on_change` is called with each line that it prints, from a thread of its own."""

    def __init__(self, data_dir: Path, port: int, secret: str, on_change: Callable[[str], None]) -> None:
        self.lines: list[str] = []
        self._on_change, self._is_over = on_change, threading.Event()
        self._output = data_dir / "receiver.log"
        self._program = Program(
            "ERP's receiver",
            ["receive", "--port", str(port), "--database", str(data_dir / "erp.sqlite")],
            env={**os.environ, "PYTHONPATH": str(EXAMPLE), "CHANGES_SECRET": secret},
            log=self._output,
            ready_at=f"http://{HOST}:{port}/",
        )
        self._follower = threading.Thread(target=self._follow, daemon=True)

    def start(self, http: requests.Session) -> None:
        self._program.wait_until_ready(http)
        self._follower.start()

    def stop(self) -> None:
        self._is_over.set()
        if self._follower.is_alive():
            self._follower.join()
        self._program.stop()

    def has_told(self, last: int, *types: str) -> bool:
        """Whether it has printed the change with this number, and changes of all these types."""
        words = [line.split() for line in self.lines]
        return str(last) in {word[0] for word in words if word} and set(types) <= {
            each for word in words for each in word[1:2]
        }

    def _follow(self) -> None:
        with self._output.open() as output:
            while True:
                is_over = self._is_over.wait(0.05)
                for line in output.read().splitlines():
                    self.lines.append(line)
                    self._on_change(line)
                if is_over:
                    return

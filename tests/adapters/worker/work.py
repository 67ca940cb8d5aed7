"""Work for workers without a service behind it."""

import threading
from types import SimpleNamespace
from typing import Any


class Batches:
    """A use case that processes what is due in batches. `hold()` holds the next batch until `let_go`."""

    def __init__(self, *due: int, error: BaseException | None = None) -> None:
        self.due = list(due)
        self.error = error
        self.calls = 0
        self.ended = 0
        self.began = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, *_: Any) -> int:
        self.calls += 1
        self.began.set()
        self.gate.wait(10)
        if self.error is not None:
            raise self.error
        self.ended += 1
        return self.due.pop(0) if self.due else 0

    def hold(self) -> None:
        self.began.clear()
        self.gate.clear()

    def let_go(self) -> None:
        self.gate.set()


class Endless(Batches):
    """More work than can ever be done."""

    def __call__(self, *_: Any) -> int:
        super().__call__()
        return 50


def bridge_with(events: Batches | None = None, intents: Batches | None = None, **others: Any) -> Any:
    """The parts of a bridge that a worker uses."""
    idle = {name: Batches() for name in _OTHERS}
    named = {"apply_events": events or Batches(), "settle_due_intents": intents or Batches()}
    return SimpleNamespace(**(idle | named | others))


_OTHERS = (
    "give_way",
    "reconcile_due",
    "check_receivers_due",
    "forget_requests",
    "forget_authorizations",
    "forget_payloads",
    "fold_counts",
)

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
        self.gate.wait(60)
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
    """The parts of a bridge that a worker uses. Others are named by room and use case: `operations__purge_payloads`."""
    rooms = {room: {name: Batches() for name in names} for room, names in _OTHERS.items()}
    rooms["webhook_events"]["apply"] = events or Batches()
    rooms["intents"] = {"settle_due": intents or Batches()}
    for place, use_case in others.items():
        room, _, name = place.partition("__")
        rooms[room][name] = use_case
    return SimpleNamespace(**{room: SimpleNamespace(**use_cases) for room, use_cases in rooms.items()})


_OTHERS = {
    "webhook_events": ("run_replays", "yield_to_receiving"),
    "reconciliation": ("reconcile_due", "confirm_settlements", "compact_totals"),
    "receivers": ("check_due",),
    "invoices": ("note_overdue",),
    "changes": ("record_existing", "check_next", "purge_old", "forget_requests"),
    "access": ("purge_idempotency_keys", "purge_panel_sessions", "purge_console", "forget_act_windows"),
    "operations": ("purge_oauth_states", "purge_payloads"),
}

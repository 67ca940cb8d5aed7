"""What a worker does, by the name of the job."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

from stripe_bridge.bridge import Bridge
from stripe_bridge.domain.origin import by_job
from stripe_bridge.ports.origin import acting_as
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable

_log = logging.getLogger(__name__)
# The jobs that workers are nudged for; the others run with each sweep.
NUDGED = frozenset({"drain_inbox", "settle_intents"})
# How often, in seconds, each process does at most what need not be done with every sweep.
_COMPACT_TOTALS_EVERY, _CHECK_RECEIVERS_EVERY, _TIDY_UP_EVERY = 5.0, 60.0, 3600.0
_NOTE_OVERDUE_EVERY, _CHECK_CHANGES_EVERY = 60.0, 60.0
# So long after a batch of events a process counts as busy with events.
_BUSY_SECONDS = 1.0


class Jobs:
    """A job takes no arguments and never raises: the database knows what has to be done, and the next sweep tries again.

    So any number of workers may run the same job at once, and the next run resumes what a killed one left unfinished.
    """

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._stopping = threading.Event()
        self._next_run: dict[str, float] = {}
        self._applied_at = -_BUSY_SECONDS
        self._by_name: Mapping[str, Callable[[], None]] = {
            "drain_inbox": self._drain_inbox,
            "run_replays": self._run_replays,
            "settle_intents": self._settle_intents,
            "reconcile": self._reconcile,
            "confirm_settlements": self._confirm_settlements,
            "note_overdue": self._note_overdue,
            "record_existing": self._record_existing,
            "check_receivers": self._check_receivers,
            "check_changes": self._check_changes,
            "fold_counts": self._compact_totals,
            "tidy_up": self._tidy_up,
        }

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._by_name)

    def run(self, name: str) -> None:
        try:
            with acting_as(by_job(name)):
                self._by_name[name]()
        except StoreUnavailable as error:
            # The store's own logs have the reason; a traceback every few seconds would bury them.
            _log.warning("job postponed", extra={"job": name, "reason": error.reason})
        except Exception:
            _log.exception("job failed", extra={"job": name})

    def stop(self) -> None:
        """Begin nothing more: what was claimed but not started is released."""
        self._stopping.set()

    def _drain_inbox(self) -> None:
        self._at_a_pace(self._apply_events)

    def _apply_events(self) -> int:
        applied = self._bridge.webhook_events.apply(self._stopping.is_set)
        if applied:
            self._applied_at = time.monotonic()
        return applied

    def _run_replays(self) -> None:
        self._at_a_pace(self._bridge.webhook_events.run_replays)

    def _settle_intents(self) -> None:
        # Only once, not until none is due: an intent that fails before it is taken stays due, and would be tried non-stop.
        if not self._stopping.is_set():
            self._bridge.intents.settle_due(self._stopping.is_set)

    def _reconcile(self) -> None:
        """Reconcile what is due. The database knows whose turn it is, so that only one worker reconciles each account."""
        self._until_done(lambda: self._bridge.reconciliation.reconcile_due(self._stopping.is_set))

    def _confirm_settlements(self) -> None:
        """All that are due; but only a batch with each sweep while events keep this process busy, which come first."""
        self._until_done(
            lambda: (
                self._bridge.reconciliation.confirm_settlements(self._stopping.is_set) and not self._is_busy
            )
        )

    def _note_overdue(self) -> None:
        if self._is_due("note_overdue", _NOTE_OVERDUE_EVERY):
            self._until_done(lambda: self._bridge.invoices.note_overdue(self._stopping.is_set))

    def _record_existing(self) -> None:
        """What was there before the change log."""
        self._at_a_pace(self._bridge.changes.record_existing)

    def _check_receivers(self) -> None:
        # Separate from reconciling, which may never finish: a disabled endpoint is what gives it the most to do.
        if not self._stopping.is_set() and self._is_due("check_receivers", _CHECK_RECEIVERS_EVERY):
            self._bridge.receivers.check_due()

    def _check_changes(self) -> None:
        """Only a part each time: there may be millions, and it can wait while events keep this process busy."""
        may_begin = not self._is_busy and not self._stopping.is_set()
        if may_begin and self._is_due("check_changes", _CHECK_CHANGES_EVERY):
            self._bridge.changes.check_next(self._stopping.is_set)

    def _compact_totals(self) -> None:
        if self._is_due("fold_counts", _COMPACT_TOTALS_EVERY):
            # While events are coming in, new rows are added all the time: they can wait for the next run.
            self._until_done(self._bridge.reconciliation.compact_totals)

    def _tidy_up(self) -> None:
        if not self._stopping.is_set() and self._is_due("tidy_up", _TIDY_UP_EVERY):
            self._bridge.access.purge_idempotency_keys()
            self._bridge.access.purge_panel_sessions()
            self._bridge.access.purge_console()
            self._bridge.access.forget_act_windows()
            self._bridge.operations.purge_oauth_states()
            self._until_done(self._bridge.operations.purge_payloads)
            self._until_done(self._bridge.changes.purge_old)
            self._until_done(self._bridge.changes.forget_requests)

    def _until_done(self, step: Callable[[], object]) -> None:
        """Go on for as long as a step has done something."""
        while not self._stopping.is_set() and step():
            pass

    def _at_a_pace(self, step: Callable[[], object]) -> None:
        """The same, a step at a time, so that receiving does not notice."""

        def step_and_yield() -> bool:
            begun = time.monotonic()
            if not step():
                return False
            self._bridge.webhook_events.yield_to_receiving(time.monotonic() - begun, self._stopping.wait)
            return True

        self._until_done(step_and_yield)

    @property
    def _is_busy(self) -> bool:
        """With events, which come first."""
        return time.monotonic() - self._applied_at < _BUSY_SECONDS

    def _is_due(self, work: str, seconds: float) -> bool:
        """Whether this process last did it at least `seconds` ago. Several processes may do it at once."""
        now = time.monotonic()
        if now < self._next_run.get(work, 0.0):
            return False
        self._next_run[work] = now + seconds
        return True

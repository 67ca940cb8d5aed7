"""An emulator, with everything that belongs to it."""

import contextlib
import pathlib
import threading
import time
from collections.abc import Callable, Iterator

from stripe_emulator.deliveries import Deliverer
from stripe_emulator.errors import EmulatorClosed, StripeError
from stripe_emulator.journal import Journal
from stripe_emulator.misbehavior import Misbehavior
from stripe_emulator.parameters import Parameters
from stripe_emulator.resources.accounts import make_account
from stripe_emulator.resources.due_dates import due_events, emit_due_event
from stripe_emulator.settings import Settings
from stripe_emulator.store import Store
from stripe_emulator.transaction import PLATFORM, Origin, Transaction
from stripe_emulator.wire_log import WireLog

CLOCK = "clock"  # the kind and the id of the record that keeps how far the clock was moved


class Emulator:
    """The state of one emulator. It is changed only through `transaction`.

    One lock serializes all changes; it is never held during a delivery, a delay or a cut.
    """

    def __init__(
        self,
        settings: Settings,
        url: str,
        data_dir: pathlib.Path | None = None,
        wire_log: pathlib.Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.url = url
        self._real_clock = clock
        self.lock = threading.RLock()
        self.misbehavior = Misbehavior(may_crash=settings.may_crash)
        self.parameters = Parameters()
        self.busy_keys: set[str] = set()  # idempotency keys of calls that are under way
        self._journal = Journal(data_dir / "emulator.sqlite") if data_dir else None
        self.store = Store(self._journal.load() if self._journal else ())
        self.wire_log = WireLog(wire_log or (data_dir / "wire.jsonl" if data_dir else None))
        self._is_closed = False
        moved = self.store.find(CLOCK, CLOCK)
        self.advanced: float = moved.body["advanced"] if moved else 0  # seconds ahead of the real time
        self._ensure_platform()
        self.deliverer = Deliverer(self)
        self.deliverer.resume()
        self.advance(0)  # what became due while no process was running

    def clock(self) -> float:
        """The emulator's time."""
        return self._real_clock() + self.advanced

    def now(self) -> int:
        """The time in whole seconds, as in Stripe's objects."""
        return int(self.clock())

    @contextlib.contextmanager
    def transaction(self, origin: Origin = Origin()) -> Iterator[Transaction]:
        """Change the state, all or nothing; the deliveries that result go out afterwards."""
        with self.lock:
            if self._is_closed:
                raise EmulatorClosed
            tx = Transaction(self.store, self.settings, self.misbehavior, self.url, self.clock(), origin)
            try:
                yield tx
            except BaseException as error:
                if not (isinstance(error, StripeError) and error.keeps_changes):
                    tx.rollback()
                    raise
                self._commit(tx)
                raise
            self._commit(tx)

    def _commit(self, tx: Transaction) -> None:
        changed, removed = tx.commit()
        if self._journal and (changed or removed):
            self._journal.write(changed, removed)
        for delivery in tx.deliveries():
            if delivery.body["status"] == "pending":
                self.deliverer.schedule(delivery)

    def advance(self, seconds: int) -> None:
        """Move the clock, and do in order of time what Stripe does meanwhile; deliveries follow once that is done."""
        with self.lock:
            target = self.advanced + seconds
            for due_at, invoice, event_type in due_events(self.store, self.settings, self.clock() + seconds):
                self._move_clock(self.advanced + max(0.0, due_at - self.clock()))
                with self.transaction() as tx:
                    emit_due_event(tx, invoice, event_type)
            self._move_clock(target)
            if seconds:
                with self.transaction() as tx:
                    self._keep_clock(tx)

    def _move_clock(self, advanced: float) -> None:
        self.deliverer.advance(advanced - self.advanced)
        self.advanced = advanced

    def _keep_clock(self, tx: Transaction) -> None:
        record = tx.store.find(CLOCK, CLOCK)
        if record is None:
            record = tx.insert(CLOCK, PLATFORM, {"id": CLOCK})
        tx.edit(record)["advanced"] = self.advanced

    def reset(self) -> None:
        """Remove everything except the platform's own account; the clock shows the real time again."""
        with self.lock:
            self.deliverer.clear()
            self.store = Store()
            self.advanced = 0
            self.misbehavior.replace({}, self.now())
            if self._journal:
                self._journal.clear()
            self.wire_log.clear()
            self.busy_keys.clear()
            self._ensure_platform()

    def _ensure_platform(self) -> None:
        if self.store.find("accounts", PLATFORM) is None:
            with self.lock:
                tx = Transaction(
                    self.store, self.settings, self.misbehavior, self.url, self.clock(), Origin()
                )
                make_account(tx, account_id=PLATFORM, name=self.settings.platform_name)
                changed, removed = tx.commit()
                if self._journal:
                    self._journal.write(changed, removed)

    def close(self) -> None:
        """Stop delivering and close the files."""
        self.deliverer.stop()
        with self.lock:
            self._is_closed = True
            if self._journal:
                self._journal.close()
        self.wire_log.close()

"""Noting that invoices are overdue: Stripe says so once, and not to everyone; nothing else happens when a day passes."""

from __future__ import annotations

from collections.abc import Callable

from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock, never_stopping

_BATCH_SIZE = 100


class NoteOverdue:
    """Note it for a batch of invoices whose due date has passed, so that the change log says so. Returns how many were due.

    Each has a transaction of its own, which waits for nobody else's order.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self, is_stopping: Callable[[], bool] = never_stopping) -> int:
        with self._store.reading() as work:
            due = work.invoices.overdue(self._clock.now(), _BATCH_SIZE)
        for invoice_id in due:
            if is_stopping():
                break
            self._note(invoice_id)
        return len(due)

    def _note(self, invoice_id: int) -> None:
        with self._store.writing() as work:
            invoice = work.invoices.lock(invoice_id)
            noted = None if invoice is None else invoice.note_overdue(self._clock.now())
            if noted is not None and noted != invoice:
                work.invoices.save(noted)
                work.commit()

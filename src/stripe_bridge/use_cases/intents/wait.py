"""Waiting for intents: a request settles what is due itself, and waits for what another worker has leased."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from stripe_bridge.domain.intent import Intent, IntentState, customer_subject, invoice_subject
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.intents.settle import SettleIntent


@dataclass(frozen=True, slots=True)
class Backoff:
    """The pauses between two reads of the database, in seconds: each is half as long again as the one before."""

    first: float
    longest: float


STEADY = Backoff(first=0.1, longest=0.1)
QUICK_AT_FIRST = Backoff(first=0.02, longest=0.25)


def wait_until_settled(
    clock: Clock,
    settle: SettleIntent,
    read_unsettled: Callable[[], Sequence[Intent] | None],
    deadline: datetime,
    backoff: Backoff = STEADY,
) -> bool:
    """Wait until `read_unsettled` returns None, and return whether that was before the deadline.

    It reads anew, each time, which intents are waited for; none, if there is something else to wait for. Those that are due
    are settled here, so that a request which finds the crashed call of another finishes it.
    """
    pause = backoff.first
    while (unsettled := read_unsettled()) is not None:
        if clock.now() >= deadline:
            return False
        due = [intent for intent in unsettled if intent.is_due(clock.now()) and settle.may_call()]
        for intent in due:
            # Each may take as long as Stripe does not answer: what is left is settled by the workers.
            if clock.now() < deadline:
                settle(intent.id)
        if not due:
            clock.sleep(pause)
            pause = min(pause * 1.5, backoff.longest)
    return True


def settle_or_wait(
    store: Store, clock: Clock, settle: SettleIntent, intent_id: int, deadline: datetime
) -> None:
    """Settle the intent. If a worker was faster and has leased it, wait for that worker, until the deadline."""

    def read_leased() -> Sequence[Intent] | None:
        with store.reading() as work:
            intent = work.intents.find(intent_id)
        # Not even when its lease expires is it settled here: a worker will take it over.
        return [] if intent is not None and intent.state is IntentState.SENT else None

    settle(intent_id)
    wait_until_settled(clock, settle, read_leased, deadline)


def wait_for_invoice(
    store: Store,
    clock: Clock,
    settle: SettleIntent,
    invoice_id: int,
    deadline: datetime,
    backoff: Backoff = STEADY,
) -> bool:
    """Wait until no call on the invoice is open and it is no longer reserved; whether that was before the deadline."""

    def read_unsettled() -> Sequence[Intent] | None:
        with store.reading() as work:
            invoice = work.invoices.find(invoice_id)
            blocking = None if invoice is None else find_blocking_intent(work, invoice)
        if blocking is not None:
            return [blocking]
        return [] if invoice is not None and invoice.status is InvoiceStatus.RESERVED else None

    return wait_until_settled(clock, settle, read_unsettled, deadline, backoff)


def find_blocking_intent(work: UnitOfWork, invoice: Invoice) -> Intent | None:
    """The unsettled call on the invoice, or on the customer that a reserved invoice is waiting for."""
    own = work.intents.find_unsettled(invoice_subject(invoice.id))
    if own is not None or invoice.status is not InvoiceStatus.RESERVED:
        return own
    return work.intents.find_unsettled(customer_subject(invoice.customer_id))

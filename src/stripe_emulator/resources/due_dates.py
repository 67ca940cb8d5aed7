"""The events that Stripe sends about an open invoice around its due date; the invoice itself does not change.

Stripe sends these events where a merchant has set up automations for them, so many days before or after the due date:
https://docs.stripe.com/changelog/acacia/2024-09-30/billing-due-date-webhooks
"""

from collections.abc import Iterator

from stripe_emulator.settings import Settings
from stripe_emulator.store import Record, Store
from stripe_emulator.transaction import Transaction

DAY = 24 * 3600


def due_events(store: Store, settings: Settings, until: float) -> list[tuple[int, Record, str]]:
    """The events that are due up to then and were not sent yet, in order of time."""
    found = [
        (due_at, invoice, event_type)
        for invoice in store.all("invoices")
        for due_at, event_type in _reminders(invoice, settings)
        if due_at <= until
    ]
    return sorted(found, key=lambda one: (one[0], one[1].seq))


def emit_due_event(tx: Transaction, invoice: Record, event_type: str) -> None:
    """Send one of these events, once."""
    tx.edit(invoice)
    invoice.hidden["reminded"] = [*invoice.hidden.get("reminded", []), event_type]
    tx.emit(event_type, invoice)


def _reminders(invoice: Record, settings: Settings) -> Iterator[tuple[int, str]]:
    due = invoice.body["due_date"]
    if invoice.body["status"] != "open" or due is None:
        return
    finalized_at = invoice.body["status_transitions"]["finalized_at"]
    reminded = invoice.hidden.get("reminded", [])
    before, after = due - settings.will_be_due_days * DAY, due + settings.overdue_days * DAY
    # An invoice that was finalized within those days before its due date gets no reminder.
    if before > finalized_at and "invoice.will_be_due" not in reminded:
        yield before, "invoice.will_be_due"
    if "invoice.overdue" not in reminded:
        yield max(after, finalized_at), "invoice.overdue"

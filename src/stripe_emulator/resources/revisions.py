"""Editing a finalized invoice: a draft that takes its place once it is finalized.

https://docs.stripe.com/invoicing/invoice-edits
"""

from stripe_emulator.errors import invalid, no_such
from stripe_emulator.identifiers import new_id
from stripe_emulator.resources.invoice_shape import draft, show_amounts
from stripe_emulator.store import Record
from stripe_emulator.transaction import Transaction

_REVISABLE = ("open", "uncollectible")
_KEPT = """
    application collection_method custom_fields default_tax_rates description due_date footer metadata
    payment_settings statement_descriptor
""".split()


def begin_revision(tx: Transaction, original: Record) -> Record:
    """The draft: a copy of the original without its number, its credit notes and what was paid."""
    _check_revisable(original)
    customer = tx.store.find("customers", original.body["customer"])
    if customer is None:
        raise no_such("customer", original.body["customer"], "customer", status=400)
    body = draft(tx, customer, original.body["currency"])
    body |= {name: original.body[name] for name in _KEPT}
    body["from_invoice"] = {"action": "revision", "invoice": original.id}
    lines = [{**line, "id": new_id("il"), "invoice": body["id"]} for line in original.hidden["lines"]]
    hidden = {
        "lines": lines,
        "sent": 0,
        "application_fee_amount": original.hidden["application_fee_amount"],
    }
    revision = tx.insert("invoices", original.account, body, hidden)
    show_amounts(tx, revision)
    tx.emit("invoice.created", revision)
    return revision


def original_of(tx: Transaction, revision: Record) -> Record | None:
    """The invoice that it is to replace; None if it is not a revision.

    Raises StripeError if that one can no longer be replaced.
    """
    revised = revision.body["from_invoice"]
    original = tx.store.find("invoices", revised["invoice"]) if revised else None
    if original is not None:
        _check_revisable(original)
    return original


def _check_revisable(original: Record) -> None:
    if original.body["status"] not in _REVISABLE:
        # Not recorded.
        raise invalid("You can only revise invoices that are open or uncollectible.", "from_invoice[invoice]")

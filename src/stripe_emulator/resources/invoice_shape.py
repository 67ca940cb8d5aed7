"""A new draft, and how an invoice's amounts are computed from its lines and the customer's balance."""

from stripe_emulator.api.listing import nested
from stripe_emulator.currencies import collectible
from stripe_emulator.errors import Json
from stripe_emulator.identifiers import new_id
from stripe_emulator.store import Record
from stripe_emulator.transaction import Transaction

# Fields that are null in a draft.
NULL_IN_A_DRAFT = """
    account_tax_ids application automatically_finalizes_at custom_fields customer_account
    default_payment_method default_source description due_date effective_at footer from_invoice
    hosted_invoice_url invoice_pdf last_finalization_error latest_revision next_payment_attempt number
    on_behalf_of parent receipt_number rendering shipping_cost shipping_details statement_descriptor
    status_details test_clock threshold_reason webhooks_delivered_at
""".split()

PAYMENT_SETTINGS = ("default_mandate", "payment_method_options", "payment_method_types")
STATUS_TRANSITIONS = ("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at")


def draft(tx: Transaction, customer: Record, currency: str) -> Json:
    """A new invoice, without lines."""
    invoice_id = new_id("in")
    issuer = tx.store.find("accounts", customer.account)
    merchant: Json = issuer.body if issuer else {}
    return {
        **dict.fromkeys(NULL_IN_A_DRAFT),
        "id": invoice_id,
        "object": "invoice",
        "account_country": merchant.get("country"),
        "account_name": merchant.get("business_profile", {}).get("name"),
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": False,
        "automatic_tax": {
            "enabled": False,
            **dict.fromkeys(("disabled_reason", "liability", "provider", "status")),
        },
        "billing_reason": "manual",
        "collection_method": "charge_automatically",
        "created": tx.now,
        "currency": currency,
        "default_tax_rates": [],
        "discounts": [],
        "issuer": {"type": "self"},
        "lines": nested([], lines_url(invoice_id)),
        "livemode": False,
        "metadata": {},
        "payment_settings": dict.fromkeys(PAYMENT_SETTINGS),
        "period_end": tx.now,
        "period_start": tx.now,
        "status": "draft",
        "status_transitions": dict.fromkeys(STATUS_TRANSITIONS),
        **_of_customer(customer),
        **_no_amounts(),
    }


def lines_url(invoice_id: str) -> str:
    """Where all of an invoice's lines are listed."""
    return f"/v1/invoices/{invoice_id}/lines"


def _of_customer(customer: Record) -> Json:
    """The fields in which an invoice shows its customer."""
    return {
        "customer": customer.id,
        "customer_address": customer.body["address"],
        "customer_email": customer.body["email"],
        "customer_name": customer.body["name"],
        "customer_phone": customer.body["phone"],
        "customer_shipping": customer.body["shipping"],
        "customer_tax_exempt": customer.body["tax_exempt"],
        "customer_tax_ids": [],
    }


def _no_amounts() -> Json:
    return {
        "amount_due": 0,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_paid_off_stripe": 0,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "ending_balance": None,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "starting_balance": 0,
        "subtotal": 0,
        "subtotal_excluding_tax": 0,
        "total": 0,
        "total_discount_amounts": [],
        "total_excluding_tax": 0,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
    }


def show_amounts(tx: Transaction, invoice: Record) -> None:
    """Update a draft's lines and amounts, as if it were finalized now."""
    body, lines = tx.edit(invoice), invoice.hidden["lines"]
    body["lines"] = nested(lines, lines_url(invoice.id))
    subtotal = sum(line["amount"] for line in lines)
    taxes = [tax for line in lines for tax in line["taxes"]]
    on_top = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "exclusive")
    included = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "inclusive")
    body["subtotal"], body["total"] = subtotal, subtotal + on_top
    body["subtotal_excluding_tax"] = body["total_excluding_tax"] = subtotal - included
    body["total_taxes"] = taxes
    body["starting_balance"] = applicable_balance(tx, invoice)
    body["amount_due"] = body["amount_remaining"] = amount_due(
        body["total"], body["starting_balance"], body["currency"]
    )


def follow_customer(tx: Transaction, customer: Record) -> None:
    """Update a customer's drafts, which follow the customer's address, email and balance until finalized."""
    for invoice in tx.store.where("invoices", "customer", customer.id):
        if invoice.body["status"] == "draft":
            tx.edit(invoice).update(_of_customer(customer))
            show_amounts(tx, invoice)


def applicable_balance(tx: Transaction, invoice: Record) -> int:
    """The customer's balance, if it is in the invoice's currency."""
    customer = tx.store.find("customers", invoice.body["customer"])
    if customer is None or customer.body["currency"] not in (None, invoice.body["currency"]):
        return 0
    return int(customer.body["balance"])


def amount_due(total: int, balance: int, currency: str) -> int:
    """What the customer is asked for after the balance is applied; never negative."""
    return max(0, collectible(total + balance, currency))

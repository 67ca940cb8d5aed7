"""Customers and their credit balance."""

import secrets

from stripe_emulator.api.call import Call
from stripe_emulator.api.listing import page
from stripe_emulator.api.metadata import merged_metadata
from stripe_emulator.errors import Json, invalid, malformed
from stripe_emulator.identifiers import new_id
from stripe_emulator.resources.invoice_shape import follow_customer
from stripe_emulator.store import Record
from stripe_emulator.transaction import Transaction

MAX_EMAIL = 512
PLAIN_FIELDS = (
    "business_name",
    "description",
    "email",
    "individual_name",
    "invoice_prefix",
    "name",
    "next_invoice_sequence",
    "phone",
    "preferred_locales",
    "shipping",
    "tax_exempt",
)
ADDRESS_FIELDS = ("city", "country", "line1", "line2", "postal_code", "state")


def create(call: Call) -> Json:
    """POST /v1/customers."""
    _check(call.params)
    body: Json = {
        "id": new_id("cus"),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": call.tx.now,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": secrets.token_hex(4).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
    record = call.tx.insert("customers", call.account, body, {"deleted": False})
    _apply(call, record)
    call.tx.emit("customer.created", record)
    _adjust_balance(call, record)
    return record.body


def retrieve(call: Call) -> Json:
    """GET /v1/customers/{customer}: of a deleted one, only its id."""
    record = call.record("customers", "customer", "id")
    return deleted_stub(record) if record.hidden["deleted"] else record.body


def update(call: Call) -> Json:
    """POST /v1/customers/{customer}."""
    record = existing(call)
    _check(call.params)
    call.tx.edit(record)
    _apply(call, record)
    _adjust_balance(call, record)
    follow_customer(call.tx, record)
    call.tx.emit_update("customer.updated", record)
    return record.body


def delete(call: Call) -> Json:
    """DELETE /v1/customers/{customer}: its invoices stay."""
    record = existing(call)
    call.tx.edit(record)
    call.tx.emit("customer.deleted", record)
    record.hidden["deleted"] = True
    return deleted_stub(record)


def list_(call: Call) -> Json:
    """GET /v1/customers; the email is compared with its case."""
    email = call.params.get("email")
    among = None
    if email is not None:
        found = call.tx.store.where("customers", "email", email)
        among = [record for record in reversed(found) if record.account == call.account]
    return page(call, "customers", "/v1/customers", lambda record: not record.hidden["deleted"], among)


def list_balance_transactions(call: Call) -> Json:
    """GET /v1/customers/{customer}/balance_transactions."""
    record = call.record("customers", "customer", "customer")
    among = reversed(call.tx.store.where("customer_balance_transactions", "customer", record.id))
    url = f"/v1/customers/{record.id}/balance_transactions"
    return page(call, "customer_balance_transactions", url, among=among)


def deleted_stub(record: Record) -> Json:
    """What the API shows of a deleted customer."""
    return {"id": record.id, "object": "customer", "deleted": True}


def existing(call: Call) -> Record:
    """The customer that the path names. Refuses a deleted one."""
    record = call.record("customers", "customer", "id")
    if record.hidden["deleted"]:
        raise invalid(f"No such customer: '{record.id}'", "id", "resource_missing")
    return record


def move_balance(
    tx: Transaction, customer: Record, amount: int, booking_type: str, invoice: str | None = None
) -> None:
    """Add to a customer's balance: positive if the customer owes it, negative if it is a credit."""
    if amount == 0:
        return
    body = tx.edit(customer)
    body["balance"] += amount
    booked: Json = {
        "id": new_id("cbtxn"),
        "object": "customer_balance_transaction",
        "amount": amount,
        "checkout_session": None,
        "created": tx.now,
        "credit_note": None,
        "currency": body["currency"],
        "customer": customer.id,
        "customer_account": None,
        "description": None,
        "ending_balance": body["balance"],
        "invoice": invoice,
        "livemode": False,
        "metadata": {},
        "type": booking_type,
    }
    tx.insert("customer_balance_transactions", customer.account, booked)
    follow_customer(tx, customer)
    tx.emit_update("customer.updated", customer)


def adjust_balance(tx: Transaction, customer: Record, amount: int) -> None:
    """Add to a customer's balance by hand, in the account's currency if the customer has none yet."""
    if amount and customer.body["currency"] is None:
        account = tx.store.find("accounts", customer.account)
        assert account is not None
        tx.edit(customer)["currency"] = account.body["default_currency"]
    move_balance(tx, customer, amount, "adjustment")


def _check(params: Json) -> None:
    email = params.get("email")
    if email is not None and ("@" not in email or " " in email):
        raise invalid(f"Invalid email address: {email}", "email", "email_invalid")
    if email is not None and len(email) > MAX_EMAIL:
        # Not recorded.
        raise malformed(f"Invalid string: {email}; must be at most {MAX_EMAIL} characters", "email")


def _apply(call: Call, record: Record) -> None:
    body, params = record.body, call.params
    for name in PLAIN_FIELDS:
        if name in params:
            body[name] = params[name] if params[name] != "" else None
    if "address" in params:
        given = params["address"] or None
        body["address"] = given and {name: given.get(name) for name in ADDRESS_FIELDS}
    body["metadata"] = merged_metadata(body["metadata"], params.get("metadata"))


def _adjust_balance(call: Call, record: Record) -> None:
    if "balance" in call.params:
        adjust_balance(call.tx, record, call.params["balance"] - record.body["balance"])

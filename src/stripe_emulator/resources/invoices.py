"""Invoices: creating, reading, changing and deleting them."""

from stripe_emulator.api.call import Call
from stripe_emulator.api.listing import is_within, page
from stripe_emulator.api.metadata import merged_metadata
from stripe_emulator.currencies import SUPPORTED
from stripe_emulator.errors import Json, invalid, malformed, missing_param, no_such
from stripe_emulator.resources.invoice_shape import draft, show_amounts
from stripe_emulator.resources.revisions import begin_revision
from stripe_emulator.store import Record

DAY = 24 * 3600
LENGTH_LIMITS = {"description": 1500, "footer": 5000, "number": 26, "statement_descriptor": 22}
MAX_CUSTOM_FIELDS, MAX_FIELD_NAME, MAX_FIELD_VALUE = 4, 40, 140

EDITABLE_IN_DRAFT = (
    "auto_advance",
    "collection_method",
    "custom_fields",
    "description",
    "due_date",
    "effective_at",
    "footer",
    "number",
    "statement_descriptor",
)
EDITABLE_ALWAYS = frozenset(("auto_advance", "expand", "metadata"))
# The parameters that the emulator accepts for a new invoice; others are refused by name rather than ignored.
TAKEN = frozenset(
    (*EDITABLE_IN_DRAFT, *EDITABLE_ALWAYS, "currency", "customer", "days_until_due", "payment_settings")
)
TAKEN_AT_CREATION = TAKEN | {"pending_invoice_items_behavior", "application_fee_amount"}
TAKEN_OF_A_REVISION = frozenset(("expand", "from_invoice"))


def create(call: Call) -> Json:
    """POST /v1/invoices: a draft; with `from_invoice`, one that replaces another invoice once it is finalized."""
    params = call.params
    if "from_invoice" in params:
        _check(params, TAKEN_OF_A_REVISION)
        return begin_revision(call.tx, _original(call)).body
    _check(params, TAKEN_AT_CREATION)
    _check_due(params, params.get("collection_method", "charge_automatically"))
    if "customer" not in params:
        raise missing_param("customer")
    customer = call.tx.store.find("customers", params["customer"], call.account)
    if customer is None or customer.hidden["deleted"]:
        raise no_such("customer", params["customer"], "customer", status=400)
    if params.get("collection_method") == "send_invoice" and not customer.body["email"]:
        raise invalid(
            "Missing email. In order to create invoices that are sent to the customer, the customer must have a valid "
            "email."
        )
    currency = params.get("currency") or customer.body["currency"] or _default_currency(call)
    hidden: Json = {"lines": [], "sent": 0, "application_fee_amount": params.get("application_fee_amount")}
    invoice = call.tx.insert("invoices", call.account, draft(call.tx, customer, currency.lower()), hidden)
    invoice.body["application"] = call.application
    if customer.body["currency"] is None:
        call.tx.edit(customer)["currency"] = currency.lower()
    _apply(call, invoice)
    show_amounts(call.tx, invoice)
    call.tx.emit("invoice.created", invoice)
    return invoice.body


def _original(call: Call) -> Record:
    original_id = call.params["from_invoice"]["invoice"]
    original = call.tx.store.find("invoices", original_id, call.account)
    if original is None:
        raise no_such("invoice", original_id, "from_invoice[invoice]", status=400)
    return original


def _default_currency(call: Call) -> str:
    return str(call.record("accounts", "account", "account", call.account).body["default_currency"])


def retrieve(call: Call) -> Json:
    """GET /v1/invoices/{invoice}."""
    return call.record("invoices", "invoice", "invoice").body


def update(call: Call) -> Json:
    """POST /v1/invoices/{invoice}: anything in a draft, almost nothing afterwards."""
    invoice, params = call.record("invoices", "invoice", "id"), call.params
    if invoice.body["status"] != "draft" and not EDITABLE_ALWAYS.issuperset(params):
        raise invalid(
            "Finalized invoices can't be updated in this way",
            next(iter(sorted(set(params) - EDITABLE_ALWAYS))),
        )
    _check(params, TAKEN)
    call.tx.edit(invoice)
    if "due_date" in params or "days_until_due" in params or "collection_method" in params:
        method = str(params.get("collection_method") or invoice.body["collection_method"])
        _check_due(
            {"due_date": invoice.body["due_date"], **params} if invoice.body["due_date"] else params, method
        )
    _apply(call, invoice)
    call.tx.emit_update("invoice.updated", invoice)
    return invoice.body


def delete(call: Call) -> Json:
    """DELETE /v1/invoices/{invoice}."""
    invoice = call.record("invoices", "invoice", "invoice")
    if invoice.body["status"] != "draft":
        raise invalid("You can only delete draft invoices.")
    call.tx.emit("invoice.deleted", invoice)
    call.tx.remove(invoice)
    return {"id": invoice.id, "object": "invoice", "deleted": True}


def list_(call: Call) -> Json:
    """GET /v1/invoices."""
    params = call.params

    def matches(invoice: Record) -> bool:
        exact = all(
            invoice.body[k] == params[k] for k in ("customer", "status", "collection_method") if k in params
        )
        due = invoice.body["due_date"]
        if "due_date" in params and (due is None or not is_within(due, params["due_date"])):
            return False
        return exact

    among = None
    if "customer" in params:
        found = call.tx.store.where("invoices", "customer", params["customer"])
        among = [invoice for invoice in reversed(found) if invoice.account == call.account]
    return page(call, "invoices", "/v1/invoices", matches, among)


def _check(params: Json, taken: frozenset[str]) -> None:
    for name in params:
        if name not in taken:
            raise malformed(f"The emulator does not know what an invoice does with `{name}`.", name)
    currency = params.get("currency")
    if currency is not None and currency.lower() not in SUPPORTED:
        supported = ", ".join(sorted(SUPPORTED))
        message = f"Invalid currency: {currency}. Stripe currently supports these currencies: {supported}"
        raise invalid(message, "currency")
    for name, limit in LENGTH_LIMITS.items():
        if len(params.get(name) or "") > limit:
            # Not recorded.
            raise malformed(f"Invalid string: {name} must be at most {limit} characters", name)
    for index, custom in enumerate(params.get("custom_fields") or []):
        if index >= MAX_CUSTOM_FIELDS:
            # Not recorded.
            raise malformed(f"You may only specify up to {MAX_CUSTOM_FIELDS} custom fields.", "custom_fields")
        if len(custom["name"]) > MAX_FIELD_NAME or len(custom["value"]) > MAX_FIELD_VALUE:
            # Not recorded.
            message = (
                f"Custom fields have at most {MAX_FIELD_NAME} characters in the name and {MAX_FIELD_VALUE}"
            )
            raise malformed(f"{message} in the value.", f"custom_fields[{index}]")


def _check_due(params: Json, method: str) -> None:
    given = [name for name in ("days_until_due", "due_date") if name in params]
    if method == "send_invoice" and not given:
        raise invalid(
            "If invoice collection method is 'send_invoice', you must specify 'due_date' or 'days_until_due'."
        )
    if method != "send_invoice" and given:
        raise invalid(
            "You can only specify 'due_date' or 'days_until_due' if invoice collection method is 'send_invoice'."
        )
    if len(given) == 2:
        raise malformed("You may only specify one of these parameters: days_until_due, due_date.", given[0])
    if params.get("days_until_due", 0) < 0:
        # Not recorded.
        raise malformed("Invalid days_until_due: must be at least 0", "days_until_due")


def _apply(call: Call, invoice: Record) -> None:
    body, params = invoice.body, call.params
    for name in EDITABLE_IN_DRAFT:
        if name in params:
            body[name] = params[name] if params[name] != "" else None
    if "days_until_due" in params:
        body["due_date"] = body["created"] + params["days_until_due"] * DAY
    if "payment_settings" in params:
        body["payment_settings"] = {**body["payment_settings"], **params["payment_settings"]}
    if "currency" in params and invoice.body["status"] == "draft":
        body["currency"] = params["currency"].lower()
    body["metadata"] = merged_metadata(body["metadata"], params.get("metadata"))
    body["automatically_finalizes_at"] = body["created"] + 3601 if body["auto_advance"] else None

"""Credit notes: they reduce what is due on an open invoice, and give money or credit back on a paid one."""

from stripe_emulator.api.call import Call
from stripe_emulator.api.listing import page, sublist
from stripe_emulator.api.metadata import merged_metadata
from stripe_emulator.errors import Json, StripeError, invalid, malformed, missing_param, no_such
from stripe_emulator.identifiers import new_id
from stripe_emulator.resources.customers import move_balance
from stripe_emulator.resources.payments_flow import (
    cancel_open_payments,
    is_processing,
    mark_paid,
    payments_of,
    reprice_default_payment,
)
from stripe_emulator.resources.refunds import emit_refund_created, refund_charge
from stripe_emulator.store import Record
from stripe_emulator.transaction import Transaction

# Fields that are null in every credit note here.
NULL_IN_A_NOTE = """
    customer_account customer_balance_transaction shipping_cost voided_at
""".split()

TAKEN = frozenset(
    "amount credit_amount expand invoice memo metadata out_of_band_amount reason refund_amount refunds".split()
)


def create(call: Call) -> Json:
    """POST /v1/credit_notes: by amount; lines and shipping are not emulated."""
    params = call.params
    for name in params:
        if name not in TAKEN:
            raise malformed(f"The emulator does not know what a credit note does with `{name}`.", name)
    if "amount" not in params:
        raise missing_param("amount")
    invoice = call.tx.store.find("invoices", params["invoice"], call.account)
    if invoice is None:
        raise no_such("invoice", params["invoice"], "invoice", status=400)
    return credit(call.tx, invoice, params).body


def retrieve(call: Call) -> Json:
    """GET /v1/credit_notes/{id}."""
    return call.record("credit_notes", "credit note", "id").body


def list_(call: Call) -> Json:
    """GET /v1/credit_notes."""
    invoice, among = call.params.get("invoice"), None
    if invoice is not None:
        found = call.tx.store.where("credit_notes", "invoice", invoice)
        among = [note for note in reversed(found) if note.account == call.account]
    customer = call.params.get("customer")
    return page(
        call,
        "credit_notes",
        "/v1/credit_notes",
        lambda note: customer in (None, note.body["customer"]),
        among,
    )


def credit(tx: Transaction, invoice: Record, params: Json) -> Record:
    """Issue a credit note: first against what is still due, the rest against what was paid."""
    body, amount = invoice.body, params["amount"]
    if body["status"] not in ("open", "paid"):
        # Not recorded, like the refusals below.
        raise invalid("Credit notes can only be created for open or paid invoices.", "invoice")
    if is_processing(tx, invoice):
        raise invalid("A payment of this invoice is still processing.", "invoice")
    credited = body["pre_payment_credit_notes_amount"] + body["post_payment_credit_notes_amount"]
    if not 0 < amount <= body["total"] - credited:
        raise invalid(
            "The amount must be positive, and no more than what is left of the invoice's total.", "amount"
        )
    before = min(amount, body["amount_remaining"])
    after = amount - before
    linked = _linked_refunds(tx, invoice, params)
    given = sum(params.get(name, 0) for name in ("refund_amount", "credit_amount", "out_of_band_amount"))
    given += sum(one["amount_refunded"] for one in linked)
    if given != after:
        raise invalid(
            f"The sum of refund amount, credit amount, out of band amount and refunds ({given}) must equal the post "
            f"payment amount ({after})."
        )
    if params.get("refund_amount"):
        linked.append(_refund(tx, invoice, params["refund_amount"]))
    note = tx.insert("credit_notes", invoice.account, _shape(tx, invoice, params, before, after, linked))
    tx.edit(invoice)["pre_payment_credit_notes_amount"] += before
    body["post_payment_credit_notes_amount"] += after
    body["amount_due"] -= before
    body["amount_remaining"] -= before
    customer = tx.store.find("customers", body["customer"])
    if customer is not None:
        move_balance(tx, customer, -params.get("credit_amount", 0), "credit_note", invoice.id)
    tx.emit("credit_note.created", note)
    _settle(tx, invoice, before)
    return note


def _settle(tx: Transaction, invoice: Record, before: int) -> None:
    if before and invoice.body["amount_remaining"] == 0:
        cancel_open_payments(tx, invoice, None)
        mark_paid(tx, invoice)
        tx.emit("invoice.payment_succeeded", invoice)
    else:
        reprice_default_payment(tx, invoice)
        tx.emit_update("invoice.updated", invoice)


def _linked_refunds(tx: Transaction, invoice: Record, params: Json) -> list[Json]:
    linked: list[Json] = []
    for number, given in enumerate(params.get("refunds") or []):
        name = f"refunds[{number}][refund]"
        refund = tx.store.find("refunds", given.get("refund", ""), invoice.account)
        if refund is None:
            raise no_such("refund", given.get("refund", ""), name, status=400)
        amount = given.get("amount_refunded", refund.body["amount"])
        linked.append(_link(refund, amount))
    return linked


def _link(refund: Record, amount: int) -> Json:
    return {"amount_refunded": amount, "payment_record_refund": None, "refund": refund.id, "type": "refund"}


def _refund(tx: Transaction, invoice: Record, amount: int) -> Json:
    refusal: StripeError | None = None
    for payment in reversed(payments_of(tx, invoice, "paid")):
        for charge in tx.store.where("charges", "payment_intent", payment.hidden["payment_intent"]):
            if charge.body["status"] != "succeeded":
                continue
            try:
                refund = refund_charge(tx, charge, amount, None)
            except StripeError as error:
                refusal = error
                continue
            emit_refund_created(tx, refund, charge)
            return _link(refund, amount)
    raise refusal or invalid("This invoice has no payment that could be refunded.", "refund_amount")


def _shape(
    tx: Transaction, invoice: Record, params: Json, before: int, after: int, linked: list[Json]
) -> Json:
    note_id, amount = new_id("cn"), params["amount"]
    count = len(tx.store.where("credit_notes", "invoice", invoice.id)) + 1
    return {
        **dict.fromkeys(NULL_IN_A_NOTE),
        **dict.fromkeys(
            ("amount", "subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax"), amount
        ),
        "id": note_id,
        "object": "credit_note",
        "amount_shipping": 0,
        "created": tx.now,
        "currency": invoice.body["currency"],
        "customer": invoice.body["customer"],
        "discount_amount": 0,
        "discount_amounts": [],
        "effective_at": tx.now,
        "invoice": invoice.id,
        "lines": sublist([], f"/v1/credit_notes/{note_id}/lines"),
        "livemode": False,
        "memo": params.get("memo"),
        "metadata": merged_metadata({}, params.get("metadata")),
        "number": f"{invoice.body['number']}-CN-{count:02}",
        "out_of_band_amount": params.get("out_of_band_amount"),
        "pdf": f"{invoice.body['invoice_pdf']}?credit_note={note_id}",
        "post_payment_amount": after,
        "pre_payment_amount": before,
        "pretax_credit_amounts": [],
        "reason": params.get("reason"),
        "refunds": linked,
        "status": "issued",
        "total_taxes": [],
        "type": "mixed" if before and after else "pre_payment" if before else "post_payment",
    }

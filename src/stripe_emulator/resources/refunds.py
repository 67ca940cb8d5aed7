"""Refunds: money back, at once or later, and sometimes not at all."""

from stripe_emulator.api.call import Call
from stripe_emulator.api.listing import page
from stripe_emulator.api.metadata import merged_metadata
from stripe_emulator.currencies import readable
from stripe_emulator.errors import Json, invalid, malformed
from stripe_emulator.identifiers import new_id
from stripe_emulator.resources.disputes import close_refunded_inquiries, forbids_refund
from stripe_emulator.resources.payments_flow import check_step
from stripe_emulator.store import Record
from stripe_emulator.transaction import Transaction

FAILED_OR_CANCELED = ("failed", "canceled")
FAILURE_REASONS = (
    "charge_for_pending_refund_disputed",
    "declined",
    "expired_or_canceled_card",
    "insufficient_funds",
    "lost_or_stolen_card",
    "merchant_request",
    "unknown",
)
# The statuses that may follow each status; a succeeded refund may still fail at the customer's bank.
NEXT = {
    "pending": ("succeeded", "failed", "canceled", "requires_action"),
    "requires_action": ("pending", "succeeded", "failed", "canceled"),
    "succeeded": ("failed",),
    "failed": (),
    "canceled": (),
}


def create(call: Call) -> Json:
    """POST /v1/refunds."""
    params = call.params
    if params.get("amount", 1) <= 0:
        message = "This value must be greater than or equal to 1."
        raise malformed(message, "amount", "parameter_invalid_integer")
    for name in ("origin", "refund_application_fee", "reverse_transfer", "customer", "currency"):
        if params.get(name):
            raise malformed(f"The emulator does not know what a refund does with `{name}`.", name)
    charge = _charge(call)
    refund = refund_charge(call.tx, charge, params.get("amount"), params.get("reason"))
    refund.body["metadata"] = merged_metadata({}, params.get("metadata"))
    if "instructions_email" in params:
        refund.body["instructions_email"] = params["instructions_email"]
    emit_refund_created(call.tx, refund, charge)
    return refund.body


def retrieve(call: Call) -> Json:
    """GET /v1/refunds/{refund}."""
    return _refund(call).body


def update(call: Call) -> Json:
    """POST /v1/refunds/{refund}: metadata only."""
    refund = _refund(call)
    body = call.tx.edit(refund)
    body["metadata"] = merged_metadata(body["metadata"], call.params.get("metadata"))
    emit_refund_updated(call.tx, refund)
    return body


def cancel(call: Call) -> Json:
    """POST /v1/refunds/{refund}/cancel: only while it waits for the customer."""
    refund = _refund(call)
    if refund.body["status"] != "requires_action":
        raise invalid("Canceling this refund is unsupported.")
    move_refund(call.tx, refund, "canceled")
    return refund.body


def list_(call: Call) -> Json:
    """GET /v1/refunds."""
    among = None
    for name in ("charge", "payment_intent"):
        if name in call.params:
            found = call.tx.store.where("refunds", name, call.params[name])
            among = [refund for refund in reversed(found) if refund.account == call.account]
    return page(call, "refunds", "/v1/refunds", among=among)


def _refund(call: Call) -> Record:
    return call.record("refunds", "refund", "refund")


def _charge(call: Call) -> Record:
    params = call.params
    if "charge" in params and "payment_intent" in params:
        raise malformed("You may only specify one of these parameters: charge, payment_intent.", "charge")
    if "charge" in params:
        return call.record("charges", "charge", "id", params["charge"])
    if "payment_intent" not in params:
        raise malformed(
            "One of the following params should be provided for this request: payment_intent or charge."
        )
    intent = call.record("payment_intents", "payment_intent", "intent", params["payment_intent"])
    for charge in reversed(call.tx.store.where("charges", "payment_intent", intent.id)):
        if charge.body["status"] == "succeeded":
            return charge
    raise invalid(f"This PaymentIntent ({intent.id}) does not have a successful charge to refund.")


def refund_charge(tx: Transaction, charge: Record, amount: int | None, reason: str | None) -> Record:
    """Refund a part of a charge, or all that is left. The caller emits the events once the refund is complete."""
    body = charge.body
    if body["status"] != "succeeded":
        # Not recorded.
        raise invalid(f"Charge {charge.id} has not been paid; there is nothing to refund.", "charge")
    if forbids_refund(tx, charge):
        message = f"Charge {charge.id} has been charged back; cannot issue a refund."
        raise invalid(message, code="charge_disputed")
    left = body["amount"] - body["amount_refunded"]
    if left <= 0:
        raise invalid(f"Charge {charge.id} has already been refunded.", code="charge_already_refunded")
    wanted = left if amount is None else amount
    if wanted > left:
        shown, rest = readable(wanted, body["currency"]), readable(left, body["currency"])
        raise invalid(
            f"Refund amount ({shown}) is greater than unrefunded amount on charge ({rest})", "amount"
        )
    check_step(wanted, body["currency"])
    refund = tx.insert("refunds", charge.account, _shape(tx, charge, wanted, reason))
    tx.edit(charge)["amount_refunded"] += wanted
    body["refunded"] = body["amount_refunded"] == body["amount"]
    return refund


def emit_refund_created(tx: Transaction, refund: Record, charge: Record) -> None:
    """Set a new refund's first status, and emit the events about it."""
    status = tx.misbehavior.refund_status()
    if status != "failed":
        _set_status(tx, refund, status)
    tx.emit("refund.created", refund)
    tx.emit_update("charge.refunded", charge)
    if status == "failed":
        move_refund(tx, refund, "failed")
    close_refunded_inquiries(tx, charge)


def move_refund(tx: Transaction, refund: Record, status: str, failure_reason: str = "unknown") -> None:
    """Change a refund's status; what failed or was canceled can be refunded again."""
    body = tx.edit(refund)
    if status not in NEXT[body["status"]]:
        raise invalid(f"A refund that is {body['status']} cannot become {status}.", "status")
    if failure_reason not in FAILURE_REASONS:
        raise invalid(
            f"Invalid failure_reason: must be one of {', '.join(FAILURE_REASONS)}", "failure_reason"
        )
    _set_status(tx, refund, status)
    if status in FAILED_OR_CANCELED:
        charge = tx.store.find("charges", body["charge"])
        assert charge is not None
        tx.edit(charge)["amount_refunded"] -= body["amount"]
        charge.body["refunded"] = False
        tx.emit_update("charge.updated", charge)
    if status == "failed":
        body["failure_reason"] = failure_reason
        body["failure_balance_transaction"] = new_id("txn")
        tx.emit("refund.failed", refund)
    emit_refund_updated(tx, refund)


def make_reference_available(tx: Transaction, refund: Record) -> None:
    """The acquirer's reference arrives, days later: an update that changes no money."""
    card = tx.edit(refund)["destination_details"]["card"]
    card["reference"], card["reference_status"] = "45717640123456789012345", "available"
    emit_refund_updated(tx, refund)


def emit_refund_updated(tx: Transaction, refund: Record) -> None:
    """`refund.updated` and the older event that still goes with it; neither if nothing changed."""
    previous = tx.emit_update("refund.updated", refund)
    if previous:
        tx.record_event("charge.refund.updated", refund.account, refund.body, previous)


def _set_status(tx: Transaction, refund: Record, status: str) -> None:
    body = tx.edit(refund)
    body["status"] = status
    for name in ("pending_reason", "next_action"):
        body.pop(name, None)
    if status == "pending":
        body["pending_reason"] = "processing"
    if status == "requires_action":
        sent = {
            "email_sent_at": tx.now,
            "email_sent_to": body.get("instructions_email", "customer@example.com"),
        }
        details = {"email_sent": sent, "expires_at": tx.now + 30 * 24 * 3600}
        body["next_action"] = {"display_details": details, "type": "display_details"}


# Unlike other objects, a refund does not show what does not apply to it, such as `failure_reason`, not even as null.
def _shape(tx: Transaction, charge: Record, amount: int, reason: str | None) -> Json:
    card: Json = {
        "reference_status": "pending",
        "reference_type": "acquirer_reference_number",
        "type": "refund",
    }
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge.id,
        "created": tx.now,
        "currency": charge.body["currency"],
        "customer": charge.body["customer"],
        "customer_account": None,
        "destination_details": {"card": card, "type": "card"},
        "metadata": {},
        "payment_intent": charge.body["payment_intent"],
        "payment_method": charge.body["payment_method"],
        "pending_reason": "processing",
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending",
        "transfer_reversal": None,
    }

"""Disputes: inquiries, in which no money moves yet, and chargebacks."""

from stripe_emulator.api.call import Call
from stripe_emulator.api.listing import page
from stripe_emulator.api.metadata import merged_metadata
from stripe_emulator.errors import Json, invalid
from stripe_emulator.identifiers import new_id
from stripe_emulator.store import Record
from stripe_emulator.transaction import Transaction

CLOSED = ("won", "lost", "warning_closed", "prevented")
# The statuses that may follow each status. An inquiry may become a chargeback.
NEXT = {
    "warning_needs_response": ("warning_under_review", "warning_closed", "needs_response"),
    "warning_under_review": ("warning_closed", "needs_response"),
    "needs_response": ("under_review", "won", "lost"),
    "under_review": ("won", "lost", "needs_response"),
}
DUE_IN = 7 * 24 * 3600
EVIDENCE = """access_activity_log billing_address cancellation_policy cancellation_policy_disclosure cancellation_rebuttal
    customer_communication customer_email_address customer_name customer_purchase_ip customer_signature
    duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id product_description receipt
    refund_policy refund_policy_disclosure refund_refusal_explanation service_date service_documentation
    shipping_address shipping_carrier shipping_date shipping_documentation shipping_tracking_number
    uncategorized_file uncategorized_text""".split()


def retrieve(call: Call) -> Json:
    """GET /v1/disputes/{dispute}."""
    return _dispute(call).body


def list_(call: Call) -> Json:
    """GET /v1/disputes."""
    among = None
    for name in ("charge", "payment_intent"):
        if name in call.params:
            found = call.tx.store.where("disputes", name, call.params[name])
            among = [dispute for dispute in reversed(found) if dispute.account == call.account]
    return page(call, "disputes", "/v1/disputes", among=among)


def update(call: Call) -> Json:
    """POST /v1/disputes/{dispute}: evidence and metadata; `submit` submits the evidence."""
    dispute, params = _dispute(call), call.params
    body = call.tx.edit(dispute)
    body["metadata"] = merged_metadata(body["metadata"], params.get("metadata"))
    if "evidence" in params:
        body["evidence"] = {**body["evidence"], **(params["evidence"] or {})}
        body["evidence_details"]["has_evidence"] = True
    is_waiting = body["status"] in ("needs_response", "warning_needs_response")
    if params.get("submit", True) and "evidence" in params and is_waiting:
        body["evidence_details"]["submission_count"] += 1
        body["evidence_details"]["submission_method"] = "manual"
        body["status"] = body["status"].replace("needs_response", "under_review")
    call.tx.emit_update("charge.dispute.updated", dispute)
    return body


def close(call: Call) -> Json:
    """POST /v1/disputes/{dispute}/close: the merchant gives in."""
    dispute = _dispute(call)
    if dispute.body["status"] in CLOSED:
        raise invalid("This dispute is already closed")
    is_inquiry = dispute.body["status"].startswith("warning_")
    move_dispute(call.tx, dispute, "warning_closed" if is_inquiry else "lost")
    return dispute.body


def _dispute(call: Call) -> Record:
    return call.record("disputes", "dispute", "dispute")


def open_dispute(tx: Transaction, charge: Record, kind: str, amount: int | None, reason: str) -> Record:
    """The customer's bank asks about a charge (`inquiry`), or takes the money back (`chargeback`)."""
    if kind not in ("inquiry", "chargeback"):
        raise invalid("Invalid kind: must be one of inquiry or chargeback", "kind")
    if charge.body["status"] != "succeeded":
        raise invalid("Only a charge that succeeded can be disputed.")
    wanted = charge.body["amount"] if amount is None else amount
    dispute = tx.insert("disputes", charge.account, _shape(tx, charge, kind, wanted, reason))
    tx.edit(charge)["disputed"] = True
    if kind == "chargeback":
        _move_funds(tx, dispute, -1)
    tx.emit("charge.dispute.created", dispute)
    tx.emit_update("charge.updated", charge)
    if kind == "chargeback":
        tx.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def move_dispute(tx: Transaction, dispute: Record, status: str) -> None:
    """Move a dispute to its next status: answered, escalated, won, lost or closed."""
    body = tx.edit(dispute)
    if status not in NEXT.get(body["status"], ()):
        raise invalid(f"A dispute that is {body['status']} cannot become {status}.", "status")
    escalates = body["status"].startswith("warning_") and status == "needs_response"
    body["status"] = status
    body["is_charge_refundable"] = status.startswith("warning_") or status == "won"
    if escalates:
        body["payment_method_details"]["card"]["case_type"] = "chargeback"
        _move_funds(tx, dispute, -1)
    if status == "won":
        _move_funds(tx, dispute, 1)
    tx.emit_update("charge.dispute.closed" if status in CLOSED else "charge.dispute.updated", dispute)
    if escalates:
        tx.emit("charge.dispute.funds_withdrawn", dispute)
    if status == "won":
        tx.emit("charge.dispute.funds_reinstated", dispute)


def forbids_refund(tx: Transaction, charge: Record) -> bool:
    """Whether an open or lost chargeback prevents refunding a charge."""
    disputes = tx.store.where("disputes", "charge", charge.id)
    return any(not dispute.body["is_charge_refundable"] for dispute in disputes)


def close_refunded_inquiries(tx: Transaction, charge: Record) -> None:
    """Close the inquiries about a charge that is refunded in full."""
    for dispute in tx.store.where("disputes", "charge", charge.id):
        if charge.body["refunded"] and dispute.body["status"] in (
            "warning_needs_response",
            "warning_under_review",
        ):
            move_dispute(tx, dispute, "warning_closed")


def _move_funds(tx: Transaction, dispute: Record, sign: int) -> None:
    body = tx.edit(dispute)
    amount = sign * body["amount"]
    moved: Json = {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": tx.now,
        "balance_type": "payments",
        "created": tx.now,
        "currency": body["currency"],
        "description": f"Chargeback {'withdrawal' if sign < 0 else 'reversal'} for {body['charge']}",
        "exchange_rate": None,
        "fee": 0,
        "fee_details": [],
        "net": amount,
        "reporting_category": "dispute" if sign < 0 else "dispute_reversal",
        "source": body["id"],
        "status": "available",
        "type": "adjustment",
    }
    body["balance_transactions"] = [*body["balance_transactions"], moved]


def _shape(tx: Transaction, charge: Record, kind: str, amount: int, reason: str) -> Json:
    is_inquiry = kind == "inquiry"
    card = {"brand": "visa", "case_type": kind, "network": "visa", "network_reason_code": "10.4"}
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge.id,
        "created": tx.now,
        "currency": charge.body["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": tx.now + DUE_IN,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": None,
        "is_charge_refundable": is_inquiry,
        "livemode": False,
        "metadata": {},
        "network_reason_code": "10.4",
        "payment_intent": charge.body["payment_intent"],
        "payment_method_details": {"card": card, "type": "card"},
        "reason": reason,
        "status": "warning_needs_response" if is_inquiry else "needs_response",
    }

"""How an invoice is paid: the attempts, and what each outcome changes.

Every way of paying ends here: the API's `pay`, the hosted page and the control API.
"""

from stripe_emulator.currencies import step
from stripe_emulator.errors import Json, StripeError, invalid
from stripe_emulator.resources.customers import move_balance
from stripe_emulator.resources.payment_shapes import charge, invoice_payment, payment_error, payment_intent
from stripe_emulator.store import Record
from stripe_emulator.transaction import Transaction

OUTCOMES = ("succeed", "decline", "processing")
DECLINED = "Your card was declined."


def request_payment(tx: Transaction, invoice: Record, amount: int, is_default: bool) -> Record:
    """Create a payment intent for an invoice; returns the invoice payment that links the two."""
    intent = tx.insert("payment_intents", invoice.account, payment_intent(tx, invoice, amount))
    body = invoice_payment(tx, invoice, intent, amount, is_default)
    hidden = {"payment_intent": intent.id}
    payment = tx.insert("invoice_payments", invoice.account, body, hidden)
    tx.emit("payment_intent.created", intent)
    return payment


def payments_of(tx: Transaction, invoice: Record, status: str | None = None) -> list[Record]:
    """An invoice's payments, oldest first."""
    found = tx.store.where("invoice_payments", "invoice", invoice.id)
    return [payment for payment in found if status in (None, payment.body["status"])]


def intent_of(tx: Transaction, payment: Record) -> Record:
    """The payment intent behind an invoice payment."""
    intent = tx.store.find("payment_intents", payment.hidden["payment_intent"])
    assert intent is not None
    return intent


def is_processing(tx: Transaction, invoice: Record) -> bool:
    """Whether a bank is still processing a payment of the invoice."""
    return any(intent_of(tx, p).body["status"] == "processing" for p in payments_of(tx, invoice, "open"))


def refuse_while_processing(tx: Transaction, invoice: Record) -> None:
    """Refuse to pay, void or write off an invoice while a bank is still processing a payment of it."""
    if is_processing(tx, invoice):
        raise invalid(
            "This invoice can't be modified while a payment on it is still pending. Wait for the payment to clear, then "
            "try again."
        )


def check_step(amount: int, currency: str) -> None:
    """Refuse amounts that a currency cannot have, such as a thousandth of a Kuwaiti dinar."""
    if amount % step(currency):
        # Not recorded.
        raise invalid(
            f"Invalid amount: {amount}. Amounts in {currency.upper()} are multiples of {step(currency)}.",
            "amount",
        )


def collect(tx: Transaction, invoice: Record, outcome: str = "succeed", amount: int | None = None) -> Record:
    """Try to collect what remains to be paid on an invoice, or another amount; returns the charge."""
    body = invoice.body
    if body["status"] == "paid":
        raise invalid("Invoice is already paid")
    if body["status"] not in ("open", "uncollectible"):
        # Not recorded.
        raise invalid("This invoice can't be paid: it is neither open nor uncollectible.")
    refuse_while_processing(tx, invoice)
    remaining = body["amount_remaining"]
    wanted = remaining if amount is None else amount
    if wanted <= 0:
        # Only the control API can ask for it.
        raise invalid("The amount must be positive.", "amount")
    check_step(wanted, body["currency"])
    payment = _payment_for(tx, invoice, wanted)
    intent = intent_of(tx, payment)
    method = "us_bank_account" if outcome == "processing" else "card"
    attempt = tx.insert("charges", invoice.account, charge(tx, invoice, intent, method))
    tx.edit(intent)["latest_charge"] = attempt.id
    intent.body["payment_method"] = attempt.body["payment_method"]
    tx.edit(invoice)
    body["attempted"] = True
    body["attempt_count"] += 1
    if outcome == "processing":
        intent.body["status"] = "processing"
        tx.emit("charge.pending", attempt)
        tx.emit("payment_intent.processing", intent)
        tx.emit_update("invoice.updated", invoice)
    elif outcome == "decline":
        _fail(tx, invoice, intent, attempt, "card_declined", DECLINED)
    else:
        _succeed(tx, invoice, payment, attempt)
    return attempt


def settle(tx: Transaction, invoice: Record, succeeds: bool) -> Record:
    """Decide an invoice's payment that a bank is processing; returns the charge."""
    for payment in payments_of(tx, invoice, "open"):
        intent = intent_of(tx, payment)
        attempt = tx.store.find("charges", intent.body["latest_charge"] or "")
        if intent.body["status"] == "processing" and attempt is not None:
            if succeeds:
                _succeed(tx, invoice, payment, attempt)
            else:
                _fail(
                    tx,
                    invoice,
                    intent,
                    attempt,
                    "insufficient_funds",
                    "The bank account has insufficient funds.",
                )
            return attempt
    raise invalid("No payment of this invoice is processing.")


def cancel_open_payments(tx: Transaction, invoice: Record, reason: str | None) -> None:
    """Cancel the invoice's open payments and their intents."""
    for payment in payments_of(tx, invoice, "open"):
        tx.edit(payment)["status"] = "canceled"
        payment.body["status_transitions"]["canceled_at"] = tx.now
        intent = intent_of(tx, payment)
        tx.edit(intent)["status"] = "canceled"
        intent.body["canceled_at"], intent.body["cancellation_reason"] = tx.now, reason
        tx.emit("payment_intent.canceled", intent)


def mark_paid(tx: Transaction, invoice: Record) -> None:
    """Mark the invoice paid, now that nothing remains to be paid."""
    body = tx.edit(invoice)
    body["status"] = "paid"
    body["auto_advance"] = False
    body["next_payment_attempt"] = None
    body["status_transitions"]["paid_at"] = tx.now
    tx.emit_update("invoice.updated", invoice)
    tx.emit("invoice.paid", invoice)


def reprice_default_payment(tx: Transaction, invoice: Record) -> None:
    """Let the default payment ask for what remains, if anything does."""
    for payment in payments_of(tx, invoice, "open"):
        if payment.body["is_default"] and invoice.body["amount_remaining"] > 0:
            tx.edit(payment)["amount_requested"] = invoice.body["amount_remaining"]
            tx.edit(intent_of(tx, payment))["amount"] = invoice.body["amount_remaining"]


def _payment_for(tx: Transaction, invoice: Record, amount: int) -> Record:
    default = [payment for payment in payments_of(tx, invoice, "open") if payment.body["is_default"]]
    if default and default[0].body["amount_requested"] == amount:
        return default[0]
    return request_payment(tx, invoice, amount, is_default=False)


def _succeed(tx: Transaction, invoice: Record, payment: Record, attempt: Record) -> None:
    amount = attempt.body["amount"]
    tx.edit(attempt).update(
        status="succeeded",
        paid=True,
        amount_captured=amount,
        outcome=_outcome("authorized", None, "Payment complete."),
        receipt_url=f"{tx.url}/receipts/{attempt.id}",
    )
    intent = intent_of(tx, payment)
    tx.edit(intent).update(status="succeeded", amount_received=amount, last_payment_error=None)
    body = tx.edit(invoice)
    taken = min(amount, body["amount_remaining"])
    tx.edit(payment).update(status="paid", amount_paid=taken)
    payment.body["status_transitions"]["paid_at"] = tx.now
    body["amount_paid"] += taken
    body["amount_remaining"] -= taken
    body["amount_overpaid"] += amount - taken
    tx.emit("charge.succeeded", attempt)
    tx.emit("payment_intent.succeeded", intent)
    tx.emit("invoice_payment.paid", payment)
    if body["amount_remaining"] > 0:
        reprice_default_payment(tx, invoice)
        tx.emit_update("invoice.updated", invoice)
    else:
        cancel_open_payments(tx, invoice, None)
        mark_paid(tx, invoice)
        tx.emit("invoice.payment_succeeded", invoice)
    if amount > taken:
        _credit_excess(tx, invoice, amount - taken)


def _credit_excess(tx: Transaction, invoice: Record, excess: int) -> None:
    """Keep what a customer overpaid for the next invoice."""
    customer = tx.store.find("customers", invoice.body["customer"])
    if customer is not None:
        move_balance(tx, customer, -excess, "invoice_overpaid", invoice.id)
    tx.emit("invoice.overpaid", invoice)


def _fail(tx: Transaction, invoice: Record, intent: Record, attempt: Record, code: str, message: str) -> None:
    reason = "generic_decline" if code == "card_declined" else code
    tx.edit(attempt).update(
        status="failed",
        failure_code=code,
        failure_message=message,
        outcome=_outcome("declined_by_network", reason, "The bank did not return any further details."),
    )
    error = payment_error(attempt, code, message)
    tx.edit(intent).update(status="requires_payment_method", last_payment_error=error, payment_method=None)
    tx.emit("charge.failed", attempt)
    tx.emit("payment_intent.payment_failed", intent)
    tx.edit(invoice)
    tx.emit_update("invoice.updated", invoice)
    tx.emit("invoice.payment_failed", invoice)


def _outcome(network_status: str, reason: str | None, message: str) -> Json:
    authorized = network_status == "authorized"
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network" if authorized else network_status,
        "reason": reason,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": message,
        "type": "authorized" if authorized else "issuer_declined",
    }


def card_error(attempt: Record) -> StripeError:
    """The error that `pay` answers for a declined card; the attempt itself is kept."""
    details = {"charge": attempt.id, "decline_code": "generic_decline"}
    return StripeError(
        DECLINED, status=402, type="card_error", code="card_declined", details=details, keeps_changes=True
    )

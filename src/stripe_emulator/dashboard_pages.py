"""Pages with buttons for what merchants and banks do, and for a bad day: an invoice's dashboard, and faults."""

from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response

from stripe_emulator.control import Control
from stripe_emulator.emulator import Emulator
from stripe_emulator.errors import Json, StripeError, invalid
from stripe_emulator.hosted_links import fresh
from stripe_emulator.resources.disputes import NEXT as NEXT_OF_DISPUTE
from stripe_emulator.resources.disputes import forbids_refund
from stripe_emulator.resources.payments_flow import intent_of, is_processing, payments_of
from stripe_emulator.resources.refunds import NEXT as NEXT_OF_REFUND
from stripe_emulator.store import Record
from stripe_emulator.transaction import Transaction

Form = Mapping[str, str]


class Fault(NamedTuple):
    """A misbehavior that one button puts in force."""

    label: str
    setting: Json


FAULTS = {
    "fail-after": Fault(
        "The next changing call is done, but answered 500",
        {"calls": [{"effect": "500_after", "method": "POST", "path": "^/v1/", "next": 1}]},
    ),
    "cut-after": Fault(
        "The next changing call is done, but the connection is cut",
        {"calls": [{"effect": "cut_after", "method": "POST", "path": "^/v1/", "next": 1}]},
    ),
    "down": Fault("Every call fails with 500", {"calls": [{"effect": "500_before", "stored": False}]}),
    "rate-limit": Fault(
        "About every second call is refused with 429",
        {"calls": [{"effect": "rate_limit", "probability": 0.5}]},
    ),
    "slow": Fault("Every call takes two seconds", {"calls": [{"effect": "delay", "ms": 2000}]}),
    "pending-refunds": Fault("Refunds stay pending", {"refunds": {"status": "pending"}}),
    "drop": Fault("No event is delivered", {"deliveries": {"drop": 1}}),
    "hold": Fault("Events are held until released", {"deliveries": {"hold": True}}),
    "disorder": Fault("Events come twice and out of order", {"deliveries": {"duplicate": 1, "reorder": 1}}),
}


def dashboard_pages(emulator: Emulator, control: Control) -> Blueprint:
    """Everything under /dashboard."""
    routes = Blueprint("dashboard", __name__, url_prefix="/dashboard")
    routes.add_app_template_filter(_words, "words")

    @routes.get("/invoices/<invoice>")
    def show(invoice: str) -> str:
        return render_template(
            "dashboard.html", message=request.args.get("message"), **_state(emulator, invoice)
        )

    @routes.post("/invoices/<invoice>")
    def act(invoice: str) -> Response:
        return _back(request.path, lambda: _act(control, invoice, request.form))

    @routes.post("/misbehavior")
    def misbehave() -> Response:
        return _back("/", lambda: _misbehave(control, request.form.get("fault", "")))

    @routes.post("/deliveries/release")
    def release() -> Response:
        return _back("/", lambda: f"Events sent: {len(control.release())}.")

    return routes


def _back(page: str, act: Callable[[], str]) -> Response:
    """Do it, and show the page again, with what came of it."""
    try:
        message = act()
    except StripeError as refusal:
        message = refusal.message
    return redirect(f"{page}?{urlencode({'message': message})}", 303)


def _act(control: Control, invoice: str, form: Form) -> str:
    action = form.get("action", "")
    if action not in ACTIONS:
        raise invalid(f"Invalid action: must be one of {', '.join(ACTIONS)}", "action")
    return ACTIONS[action](control, invoice, form)


def _pay(control: Control, invoice: str, form: Form) -> str:
    control.pay(invoice, form.get("outcome", "succeed"))
    return (
        "The customer paid." if form.get("outcome") != "processing" else "The bank is processing the payment."
    )


def _settle(control: Control, invoice: str, form: Form) -> str:
    control.settle_processing(invoice, form.get("outcome", "succeed"))
    return "The bank has decided."


def _void(control: Control, invoice: str, _form: Form) -> str:
    control.void(invoice)
    return "The invoice is void."


def _write_off(control: Control, invoice: str, _form: Form) -> str:
    control.mark_uncollectible(invoice)
    return "The invoice is marked uncollectible."


def _refund(control: Control, _invoice: str, form: Form) -> str:
    refund = control.refund(form.get("charge", ""), _amount(form))
    return f"The refund {refund['id']} is {refund['status']}."


def _move_refund(control: Control, _invoice: str, form: Form) -> str:
    return f"The refund is {control.change_refund(form.get('refund', ''), form.get('status'))['status']}."


def _dispute(control: Control, _invoice: str, form: Form) -> str:
    dispute = control.dispute(form.get("charge", ""), form.get("kind", "chargeback"))
    return f"The dispute {dispute['id']} is {_words(dispute['status'])}."


def _move_dispute(control: Control, _invoice: str, form: Form) -> str:
    moved = control.change_dispute(form.get("dispute", ""), form.get("status", ""))
    return f"The dispute is {_words(moved['status'])}."


ACTIONS: dict[str, Callable[[Control, str, Form], str]] = {
    "pay": _pay,
    "settle": _settle,
    "void": _void,
    "write-off": _write_off,
    "refund": _refund,
    "move-refund": _move_refund,
    "dispute": _dispute,
    "move-dispute": _move_dispute,
}


def _amount(form: Form) -> int | None:
    """In the currency's minor unit; None for all that is left."""
    given = form.get("amount", "").strip()
    if given and not given.isdecimal():
        raise invalid("The amount has to be a whole number of the currency's minor unit.", "amount")
    return int(given) if given else None


def _words(status: str) -> str:
    return status.replace("_", " ")


def _misbehave(control: Control, name: str) -> str:
    if name and name not in FAULTS:
        raise invalid(f"Invalid fault: must be one of {', '.join(FAULTS)}", "fault")
    control.misbehave(FAULTS[name].setting if name else {})
    return (
        f"From now on: {FAULTS[name].label[0].lower()}{FAULTS[name].label[1:]}."
        if name
        else "All is well again."
    )


def _state(emulator: Emulator, invoice: str) -> Json:
    with emulator.transaction() as tx:
        record = tx.store.find("invoices", invoice)
        if record is None:
            abort(404)
        processing = is_processing(tx, record)
        return {
            "invoice": fresh(record.body, emulator.now()),
            "is_processing": processing,
            "can_pay": record.body["status"] in ("open", "uncollectible") and not processing,
            "can_end": record.body["status"] == "open" and not processing,
            "charges": [_charge(tx, charge) for charge in _charges(tx, record)],
        }


def _charges(tx: Transaction, invoice: Record) -> list[Record]:
    """Every attempt to pay the invoice, newest first."""
    intents = [intent_of(tx, payment).id for payment in payments_of(tx, invoice)]
    found = [charge for intent in intents for charge in tx.store.where("charges", "payment_intent", intent)]
    return sorted(found, key=lambda charge: -charge.seq)


def _charge(tx: Transaction, charge: Record) -> Json:
    body = charge.body
    is_paid = body["status"] == "succeeded"
    return {
        **body,
        "left": body["amount"] - body["amount_refunded"] if is_paid and not forbids_refund(tx, charge) else 0,
        "can_dispute": is_paid and not body["disputed"],
        "refunds": [
            {**one.body, "next": NEXT_OF_REFUND[one.body["status"]]}
            for one in tx.store.where("refunds", "charge", charge.id)
        ],
        "disputes": [
            {**one.body, "next": NEXT_OF_DISPUTE.get(one.body["status"], ())}
            for one in tx.store.where("disputes", "charge", charge.id)
        ],
    }

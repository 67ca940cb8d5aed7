"""Pages for people: the state of the emulator, and those that Stripe hosts for customers."""

import datetime
import json
from dataclasses import dataclass
from typing import Any

import stripe
from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from stripe_emulator.control import Control
from stripe_emulator.currencies import readable
from stripe_emulator.dashboard_pages import FAULTS
from stripe_emulator.emulator import Emulator
from stripe_emulator.errors import Json, StripeError
from stripe_emulator.hosted_links import expires_at, parts
from stripe_emulator.pdf import one_page
from stripe_emulator.resources.payments_flow import is_processing
from stripe_emulator.store import Record
from stripe_emulator.transaction import PLATFORM

SHOWN = 25
TONES = {
    "paid": "good",
    "open": "wait",
    "void": "",
    "draft": "",
    "uncollectible": "bad",
    "delivered": "good",
    "pending": "wait",
    "held": "wait",
    "failed": "bad",
    "dropped": "bad",
    "canceled": "",
    "succeeded": "good",
    "won": "good",
    "warning_closed": "good",
    "lost": "bad",
}
COUNTED = ("accounts", "customers", "invoices", "charges", "refunds", "disputes", "events")


@dataclass
class LinkExpired(Exception):
    """A link to an invoice that has expired; the page says whom to ask for another one."""

    merchant: Json


def pages(emulator: Emulator, control: Control) -> Blueprint:
    """The start page, and the pages for customers."""
    routes = Blueprint("pages", __name__)
    routes.add_app_template_filter(readable, "money")
    routes.add_app_template_filter(_day, "day")
    routes.add_app_template_filter(_moment, "moment")

    routes.add_app_template_filter(_tone, "tone")

    @routes.get("/")
    def home() -> str:
        return render_template("home.html", message=request.args.get("message"), **_state(emulator, control))

    @routes.get("/favicon.ico")
    def favicon() -> Response:
        return redirect(url_for("static", filename="favicon.svg"), 301)

    _hosted(routes, emulator, control)
    return routes


def _hosted(routes: Blueprint, emulator: Emulator, control: Control) -> None:
    @routes.errorhandler(LinkExpired)
    def expired(error: LinkExpired) -> tuple[str, int]:
        return render_template("expired.html", merchant=error.merchant), 410

    @routes.get("/i/<account>/<link>")
    def invoice(account: str, link: str) -> str:
        return _invoice_page(emulator, _invoice(emulator, account, link), request.args.get("message"))

    @routes.post("/i/<account>/<link>")
    def pay(account: str, link: str) -> Response:
        message = _act(control, _invoice(emulator, account, link).id, request.form.get("outcome", "succeed"))
        return redirect(f"{request.path}?message={message}", 303)

    @routes.get("/i/<account>/<link>/pdf")
    def pdf(account: str, link: str) -> Response:
        return Response(one_page(_text(_invoice(emulator, account, link))), content_type="application/pdf")

    @routes.get("/receipts/<charge>")
    def receipt(charge: str) -> str:
        record = emulator.store.find("charges", charge)
        if record is None:
            abort(404)
        return render_template("receipt.html", charge=record.body)


def _state(emulator: Emulator, control: Control) -> Json:
    with emulator.lock:
        store = emulator.store
        events: list[Json] = [
            {**event.body, "deliveries": [one.body for one in store.where("deliveries", "event", event.id)]}
            for event in store.all("events")[: -SHOWN - 1 : -1]
        ]
        return {
            "url": emulator.url,
            "version": stripe.api_version,
            "platform_id": PLATFORM,
            "counts": {kind: len(store.all(kind)) for kind in COUNTED},
            "accounts": control.objects("accounts"),
            "invoices": control.objects("invoices")[: -SHOWN - 1 : -1],
            "customers": control.objects("customers")[: -SHOWN - 1 : -1],
            "endpoints": control.objects("webhook_endpoints"),
            "events": events,
            "misbehavior": _setting(control),
            "faults": FAULTS,
            "processing": _processing(emulator),
            "held": sum(one.body["status"] == "held" for one in store.all("deliveries")),
        }


def _processing(emulator: Emulator) -> set[str]:
    """The invoices that cannot be paid, since a bank has not decided about a payment yet."""
    with emulator.transaction() as tx:
        newest = tx.store.all("invoices")[: -SHOWN - 1 : -1]
        return {invoice.id for invoice in newest if is_processing(tx, invoice)}


def _setting(control: Control) -> str:
    setting = control.misbehavior()["setting"]
    return json.dumps(setting, indent=2) if setting else ""


def _invoice(emulator: Emulator, account: str, link: str) -> Record:
    token, made_at = parts(link)
    with emulator.lock:
        found = emulator.store.where("invoices", "token", token)
        if not found or found[0].account != account:
            abort(404)
        if emulator.now() >= expires_at(found[0].body, made_at):
            merchant = emulator.store.find("accounts", account)
            raise LinkExpired(merchant.body if merchant else {})
    return found[0]


def _invoice_page(emulator: Emulator, invoice: Record, message: str | None) -> str:
    with emulator.transaction() as tx:
        processing = is_processing(tx, invoice)
        body = invoice.body
        return render_template(
            "invoice.html",
            invoice=body,
            lines=invoice.hidden["lines"],
            message=message,
            is_processing=processing,
            can_pay=body["status"] in ("open", "uncollectible") and not processing,
            status="processing" if processing else body["status"],
            tone="wait" if processing else _tone(body["status"]),
        )


def _act(control: Control, invoice: str, outcome: str) -> str:
    """Do what the button says; returns a message for the customer."""
    try:
        if outcome in ("settle", "fail"):
            control.settle_processing(invoice, "succeed" if outcome == "settle" else "fail")
        else:
            control.pay(invoice, outcome)
    except StripeError as refusal:
        return refusal.message
    messages = {
        "succeed": "Thank you, your payment went through.",
        "decline": "Your card was declined.",
        "processing": "Your bank is processing the payment.",
        "settle": "The bank has paid.",
    }
    return messages.get(outcome, "The bank refused the payment.")


def _text(invoice: Record) -> list[str]:
    body, currency = invoice.body, invoice.body["currency"]
    lines = [
        f"{line['description']}: {readable(line['amount'], currency)}" for line in invoice.hidden["lines"]
    ]
    return [
        f"Invoice {body['number']}",
        f"From {body['account_name']} to {body['customer_name'] or body['customer_email']}",
        *lines,
        f"Total: {readable(body['total'], currency)}",
        f"Status: {body['status']}",
    ]


def _tone(status: str) -> str:
    return TONES.get(status, "wait")


def _time(unix: Any) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(unix, datetime.UTC)


def _day(unix: Any) -> str:
    return f"{_time(unix):%B %-d, %Y}"


def _moment(unix: Any) -> str:
    return f"{_time(unix):%Y-%m-%d %H:%M:%S}"

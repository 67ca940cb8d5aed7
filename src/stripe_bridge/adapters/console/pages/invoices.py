"""Invoices: searching them, one with all that happened to it, and what is done about it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from marshmallow import fields
from marshmallow.validate import OneOf, Regexp

from stripe_bridge.adapters.console.amounts import as_written, in_minor_units
from stripe_bridge.adapters.console.cookies import browser_secret, form_key
from stripe_bridge.adapters.console.formats import money
from stripe_bridge.adapters.console.pages.timeline import moments
from stripe_bridge.adapters.console.rendering import done, render
from stripe_bridge.adapters.console.routes import Section, Visit, page
from stripe_bridge.adapters.web.problems import RequestInvalid
from stripe_bridge.adapters.web.schemas.fields import MAX_ID, QueryNumber, RequestSchema, Text
from stripe_bridge.domain.access import Permission
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.domain.payment_status import PaymentStatus
from stripe_bridge.domain.refund import RefundReason, RefundState
from stripe_bridge.ports.storage.invoicing import MOST_EXAMINED
from stripe_bridge.use_cases.invoices.search import MOST_CUSTOMERS, InvoiceQuery, SearchBy
from stripe_bridge.use_cases.invoices.views import InvoiceView
from stripe_bridge.use_cases.refunds.issue import IssueRefundCommand

_ONE = "/invoices/<id:invoice_id>"
_STATUSES = ["draft", "open", "paid", "uncollectible", "void"]
_PAYMENT_STATUSES = [status.value for status in PaymentStatus]
SEARCHES = [
    (SearchBy.NUMBER.value, "Invoice number"),
    (SearchBy.EMAIL.value, "Customer's email"),
    (SearchBy.STRIPE_ID.value, "Stripe id"),
    (SearchBy.ORDER.value, "Sales order"),
]
_PER_PAGE = 50
_REASONS = [reason.value for reason in RefundReason]
_DASHBOARD = "https://dashboard.stripe.com"
_STRIPE_ID = re.compile(r"[A-Za-z0-9_]+")


class _Search(RequestSchema):
    q = Text(load_default="")
    by = fields.String(load_default=None, validate=OneOf([value for value, _ in SEARCHES]))
    status = fields.String(load_default=None, validate=OneOf(_STATUSES))
    payment_status = fields.String(load_default=None, validate=OneOf(_PAYMENT_STATUSES))
    integration = QueryNumber(low=1, high=MAX_ID, load_default=None)
    created_from = fields.Date(data_key="from", load_default=None)
    created_until = fields.Date(data_key="until", load_default=None)
    cursor = fields.String(load_default=None)


class _Refund(RequestSchema):
    amount = fields.String(load_default=None)
    reason = fields.String(load_default=None, validate=OneOf(_REASONS))
    form_key = fields.String(load_default="", validate=Regexp(r"[0-9a-f]{32}\Z"))


@page("GET", "/invoices", permission=Permission.READ)
def list_invoices(visit: Visit) -> Any:
    query = visit.query(_Search)
    request = PageRequest.of(page=None, per_page=_PER_PAGE, cursor=query["cursor"])
    wanted = _wanted(query)
    found = visit.bridge.invoices.search(visit.tenant, wanted, request)
    return render(
        "invoices/list.html",
        found=found,
        query=query,
        searched_by=wanted.searched_by,
        searches=SEARCHES,
        statuses=_STATUSES,
        payment_statuses=_PAYMENT_STATUSES,
        most_customers=MOST_CUSTOMERS,
        most_examined=MOST_EXAMINED,
        status_of=shown_status,
        command=_command(visit.tenant, wanted),
    )


@page("GET", _ONE, permission=Permission.READ)
def show_invoice(visit: Visit, invoice_id: int) -> Any:
    shown = visit.bridge.invoices.show_timeline(visit.tenant, invoice_id)
    invoice = shown.view.invoice
    return render(
        "invoices/show.html",
        shown=shown,
        invoice=invoice,
        state=shown_status(invoice),
        timeline=moments(
            shown.changes,
            shown.events,
            shown.calls,
            currency=invoice.currency,
            error_of=visit.error_of,
        ),
        pay_link=https(invoice.hosted_invoice_url),
        dashboard=_at_stripe(invoice),
        may=_acts(visit, shown.view),
    )


@page("GET", f"{_ONE}/send-again", permission=Permission.SEND_INVOICES)
def confirm_sending_again(visit: Visit, invoice_id: int) -> Any:
    return render("invoices/send_again.html", invoice=_invoice(visit, invoice_id))


@page(
    "POST",
    f"{_ONE}/send-again",
    permission=Permission.SEND_INVOICES,
    limit="30/minute",
    counts_as="send_order_invoice",
)
def send_invoice_again(visit: Visit, invoice_id: int) -> Any:
    invoice = visit.bridge.invoices.send_again(visit.tenant, invoice_id).invoice
    return done(f"Stripe has emailed {named(invoice)} to {invoice.customer_email} again.", _path(invoice))


@page("GET", f"{_ONE}/void", permission=Permission.VOID_INVOICES)
def confirm_voiding(visit: Visit, invoice_id: int) -> Any:
    return render("invoices/void.html", invoice=_invoice(visit, invoice_id))


@page("POST", f"{_ONE}/void", permission=Permission.VOID_INVOICES)
def void_invoice(visit: Visit, invoice_id: int) -> Any:
    invoice = visit.bridge.invoices.void(visit.tenant, invoice_id).invoice
    return done(f"{named(invoice)} is void. Its order can be invoiced again.", _path(invoice))


@page("GET", f"{_ONE}/refund", permission=Permission.REFUND_INVOICES)
def confirm_refunding(visit: Visit, invoice_id: int) -> Any:
    """First asks how much; then says what will happen. Two tabs that say the same make one refund."""
    view = visit.bridge.invoices.show(visit.tenant, invoice_id)
    try:
        given = visit.query(_Refund)
        amount = _amount(view, given["amount"])
    except RequestInvalid as error:
        return _refund_form(view, 422, error.errors)
    if amount is None:
        return _refund_form(view)
    refunds = visit.bridge.refunds.list(visit.tenant, invoice_id)
    key = form_key(browser_secret(), invoice_id, amount, sorted(refund.id for refund in refunds))
    return render(
        "invoices/refund_confirm.html",
        view=view,
        invoice=view.invoice,
        amount=amount,
        before=sum(refund.amount for refund in refunds if refund.reserves_amount),
        reason=given["reason"],
        fields={"amount": given["amount"], "reason": given["reason"], "form_key": key},
    )


@page("POST", f"{_ONE}/refund", permission=Permission.REFUND_INVOICES, limit="20/minute")
def refund_invoice(visit: Visit, invoice_id: int) -> Any:
    view = visit.bridge.invoices.show(visit.tenant, invoice_id)
    try:
        given = visit.form(_Refund)
        amount = _amount(view, given["amount"])
    except RequestInvalid as error:
        return _refund_form(view, 422, error.errors)
    if amount is None or not given["form_key"]:
        return _refund_form(view, 422, {"amount": ["How much should be refunded?"]})
    command = IssueRefundCommand(
        tenant_id=visit.tenant,
        user_id=visit.principal.user_id,
        invoice_id=invoice_id,
        amount=amount,
        reason=None if given["reason"] is None else RefundReason(given["reason"]),
        request=visit.name_of(given["form_key"]),
    )
    issued = visit.bridge.refunds.issue(command)
    refunded = sum(refund.amount for refund in issued.refunds)
    is_pending = any(refund.state is RefundState.RESERVED for refund in issued.refunds)
    notice = f"{money(refunded, view.invoice.currency)} of {named(view.invoice)} "
    notice += "is being refunded: Stripe has not answered yet." if is_pending else "is refunded."
    if issued.amount_refused:
        notice += f" Stripe refused the rest, {money(issued.amount_refused, view.invoice.currency)}."
    return done(notice, _path(view.invoice))


INVOICES = Section(
    "Invoices",
    (
        list_invoices,
        show_invoice,
        confirm_sending_again,
        send_invoice_again,
        confirm_voiding,
        void_invoice,
        confirm_refunding,
        refund_invoice,
    ),
)


def shown_status(invoice: Invoice) -> str:
    """As callers of the API see it: whether Stripe has a draft yet is not their concern."""
    status = InvoiceStatus.DRAFT if invoice.status is InvoiceStatus.RESERVED else invoice.status
    return status.value


def named(invoice: Invoice) -> str:
    return f"Invoice {invoice.number or invoice.id}"


def https(url: str | None) -> str | None:
    """The address, if it is one that a browser may be led to: it comes from elsewhere."""
    return url if url is not None and urlsplit(url).scheme == "https" else None


def _wanted(query: Mapping[str, Any]) -> InvoiceQuery:
    until: date | None = query["created_until"]
    return InvoiceQuery(
        text=query["q"],
        by=None if query["by"] is None else SearchBy(query["by"]),
        status=None if query["status"] is None else InvoiceStatus(query["status"]),
        payment_status=None if query["payment_status"] is None else PaymentStatus(query["payment_status"]),
        integration_id=query["integration"],
        created_from=_start_of(query["created_from"]),
        # The day is part of it.
        created_before=None if until is None or until == date.max else _start_of(until + timedelta(days=1)),
    )


def _command(tenant: str, wanted: InvoiceQuery) -> str:
    options = {
        "by": wanted.by,
        "status": wanted.status,
        "payment-status": wanted.payment_status,
        "integration": wanted.integration_id,
        "from": wanted.created_from and wanted.created_from.date(),
        "until": wanted.created_before and wanted.created_before.date(),
    }
    given = [word for name, value in options.items() if value for word in (f"--{name}", str(value))]
    return search_command("invoices", tenant, wanted.text, given)


def search_command(of: str, tenant: str, text: str, options: Sequence[str] = ()) -> str:
    """The command that searches so, for any shell to read it as it is meant."""
    words = ["stripe-bridge", of, "search", "--tenant", tenant, *options]
    if text.startswith("-"):
        words.append("--")
    return shlex.join([*words, text] if text else words)


def _start_of(day: date | None) -> datetime | None:
    return None if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC)


def _acts(visit: Visit, view: InvoiceView) -> Mapping[str, bool]:
    """What makes sense to offer. Whether it can be done is for the use case to say."""
    invoice = view.invoice
    is_open = invoice.status is InvoiceStatus.OPEN
    is_unpaid = invoice.is_payable and invoice.amount_paid == 0
    return {
        "send_again": is_open and visit.may(Permission.SEND_INVOICES),
        "void": is_unpaid and visit.may(Permission.VOID_INVOICES),
        "refund": view.refundable > 0 and visit.may(Permission.REFUND_INVOICES),
    }


def _at_stripe(invoice: Invoice) -> str | None:
    """Its page in Stripe's dashboard, which shows it in the right mode by itself."""
    ids = (invoice.stripe_account_id, invoice.stripe_invoice_id or "")
    is_known = all(map(_STRIPE_ID.fullmatch, ids))
    return f"{_DASHBOARD}/{ids[0]}/invoices/{ids[1]}" if is_known else None


def _invoice(visit: Visit, invoice_id: int) -> Invoice:
    invoice: Invoice = visit.bridge.invoices.show(visit.tenant, invoice_id).invoice
    return invoice


def _amount(view: InvoiceView, text: str | None) -> int | None:
    return None if text is None else in_minor_units(text, view.invoice.currency)


def _refund_form(view: InvoiceView, status: int = 200, faults: Mapping[str, Any] | None = None) -> Any:
    return render(
        "invoices/refund.html",
        status,
        view=view,
        invoice=view.invoice,
        all_of_it=as_written(view.refundable, view.invoice.currency),
        reasons=_REASONS,
        faults=faults or {},
    )


def _path(invoice: Invoice) -> str:
    return f"/invoices/{invoice.id}"

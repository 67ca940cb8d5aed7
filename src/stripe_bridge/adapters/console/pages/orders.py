"""Orders: searching the ERP's sales orders, one with its invoices and what happened, and sending an invoice for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import fields
from marshmallow.validate import Length, Regexp

from stripe_bridge.adapters.console.amounts import as_written, in_minor_units
from stripe_bridge.adapters.console.formats import money
from stripe_bridge.adapters.console.pages.invoices import named, search_command, shown_status
from stripe_bridge.adapters.console.pages.timeline import moments
from stripe_bridge.adapters.console.rendering import done, render
from stripe_bridge.adapters.console.routes import Section, Visit, page
from stripe_bridge.adapters.web.problems import RequestInvalid
from stripe_bridge.adapters.web.schemas.fields import MAX_ID, QueryNumber, RequestSchema, Text
from stripe_bridge.domain.access import Permission
from stripe_bridge.domain.errors.base import SalesOrderNotFound
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.use_cases.invoices.send import SendInvoiceCommand
from stripe_bridge.use_cases.panel.show import PanelView
from stripe_bridge.use_cases.sales_orders.show import SalesOrderView

_ONE = "/orders/<id:sales_order_id>"
_PER_PAGE = 50


class _Search(RequestSchema):
    q = Text(load_default="")
    cursor = fields.String(load_default=None)


class _Invoice(RequestSchema):
    integration = QueryNumber(low=1, high=MAX_ID, load_default=None)
    amount = fields.String(load_default=None)
    email = Text(
        load_default=None,
        validate=[Length(max=512), Regexp(r"[^@\s]+@[^@\s]+\Z", error="Not an email address.")],
    )


@page("GET", "/orders", permission=Permission.READ)
def list_orders(visit: Visit) -> Any:
    query = visit.query(_Search)
    request = PageRequest.of(page=None, per_page=_PER_PAGE, cursor=query["cursor"])
    found = visit.bridge.sales_orders.search(visit.tenant, query["q"], request)
    command = search_command("orders", visit.tenant, query["q"])
    return render("orders/list.html", found=found, query=query, command=command)


@page("GET", _ONE, permission=Permission.READ)
def show_order(visit: Visit, sales_order_id: int) -> Any:
    shown, order = _order(visit, sales_order_id)
    return render(
        "orders/show.html",
        shown=shown,
        order=order,
        timeline=moments(shown.timeline, currency=order.order.currency),
        status_of=shown_status,
        may_send=visit.may(Permission.SEND_INVOICES),
    )


@page("GET", f"{_ONE}/send", permission=Permission.SEND_INVOICES)
def confirm_sending(visit: Visit, sales_order_id: int) -> Any:
    """First asks what to send; then says what will happen."""
    shown, order = _order(visit, sales_order_id)
    try:
        given = visit.query(_Invoice)
        amount = _amount(order, given["amount"])
    except RequestInvalid as error:
        return _form(shown, order, 422, error.errors)
    chosen = next((each for each in shown.integrations if each.id == given["integration"]), None)
    if chosen is None or amount is None:
        return _form(shown, order)
    return render(
        "orders/send_confirm.html",
        shown=shown,
        order=order,
        integration=chosen,
        amount=amount,
        email=given["email"] or order.order.customer.email,
        fields=given,
    )


@page("POST", f"{_ONE}/send", permission=Permission.SEND_INVOICES, limit="30/minute")
def send_order_invoice(visit: Visit, sales_order_id: int) -> Any:
    """Pressed twice, it sends one invoice: an order has at most one that can be paid."""
    shown, order = _order(visit, sales_order_id)
    try:
        given = visit.form(_Invoice)
        amount = _amount(order, given["amount"])
    except RequestInvalid as error:
        return _form(shown, order, 422, error.errors)
    if given["integration"] is None:
        return _form(shown, order, 422, {"integration": ["Through which integration?"]})
    command = SendInvoiceCommand(
        tenant_id=visit.tenant,
        user_id=visit.principal.user_id,
        integration_id=given["integration"],
        sales_order_id=sales_order_id,
        amount=amount,
        email=given["email"],
    )
    sent = visit.bridge.invoices.send(command)
    invoice = sent.view.invoice
    worth = f"{named(invoice)} of {money(invoice.amount, invoice.currency)}"
    if not sent.created:
        return done(f"{worth} can already be paid. No other invoice was sent.", f"/invoices/{invoice.id}")
    return done(f"{worth} is sent to {invoice.customer_email}.", f"/invoices/{invoice.id}")


ORDERS = Section("Orders", (list_orders, show_order, confirm_sending, send_order_invoice))


def _order(visit: Visit, sales_order_id: int) -> tuple[PanelView, SalesOrderView]:
    """Raises SalesOrderNotFound."""
    shown = visit.bridge.panel.show(visit.tenant, sales_order_id)
    if shown.order is None:
        raise SalesOrderNotFound
    return shown, shown.order


def _amount(order: SalesOrderView, text: str | None) -> int | None:
    return None if text is None else in_minor_units(text, order.order.currency)


def _form(
    shown: PanelView, order: SalesOrderView, status: int = 200, faults: Mapping[str, Any] | None = None
) -> Any:
    return render(
        "orders/send.html",
        status,
        shown=shown,
        order=order,
        all_of_it=as_written(order.outstanding, order.order.currency),
        faults=faults or {},
    )

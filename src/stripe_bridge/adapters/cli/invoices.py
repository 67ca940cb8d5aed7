"""`stripe-bridge invoices`."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import click

from stripe_bridge.adapters.cli.confirming import confirm, yes_option
from stripe_bridge.adapters.cli.context import context
from stripe_bridge.adapters.cli.group import CommandGroup, as_json
from stripe_bridge.adapters.cli.options import (
    AMOUNT,
    IDENTIFIER,
    DateTime,
    OneOf,
    Text,
    page_request,
    paging,
    tenant,
    user_id,
)
from stripe_bridge.adapters.cli.output import Row, show_page, show_row, show_rows
from stripe_bridge.adapters.cli.rendering import event_row, found_row, invoice_row
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.money import written
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.domain.payment_status import PaymentStatus
from stripe_bridge.use_cases.invoices.search import InvoiceQuery, SearchBy
from stripe_bridge.use_cases.invoices.send import SendInvoiceCommand

_COLUMNS = (
    "id",
    "sales_order_number",
    "number",
    "status",
    "amount",
    "amount_paid",
    "amount_refunded",
    "currency",
    "dispute_status",
    "customer_email",
    "created_at",
)
_COLUMNS_OF_SENT = (*_COLUMNS, "stripe_invoice_id", "hosted_invoice_url", "due_date")
_COLUMNS_OF_FOUND = (*_COLUMNS[:4], "payment_status", *_COLUMNS[4:], "stripe_invoice_id")
_COLUMNS_OF_ACTIVITY = ("id", "event_type", "related_object_id", "status", "last_error", "event_created_at")
_NO_INVOICES = "No invoices."
_HIDDEN = (InvoiceStatus.RESERVED, InvoiceStatus.ABANDONED)
_SHOWN: list[StrEnum] = [status for status in InvoiceStatus if status not in _HIDDEN]


@click.group(cls=CommandGroup)
def invoices() -> None:
    """Invoices for sales orders. Amounts are in the currency's minor unit, as at Stripe: 9900 is 99.00 EUR.

    \b
    Examples:
      stripe-bridge invoices list --tenant acme --integration 3 --status open
      stripe-bridge invoices list --tenant acme --order 1001
      stripe-bridge invoices search jenny@example.com --tenant acme
      stripe-bridge invoices send --tenant acme --integration 3 --order 1001
      stripe-bridge invoices activity 12 --tenant acme
      stripe-bridge invoices void 12 --tenant acme
    """


@invoices.command("list")
@tenant
@click.option("--integration", "integration_id", type=IDENTIFIER, help="Those sent through this integration.")
@click.option("--order", "sales_order_id", type=IDENTIFIER, help="All those for this sales order.")
@click.option(
    "--status",
    type=OneOf(_SHOWN),
    help="Only those with this status; needs --integration.",
)
@paging
@as_json
def list_(
    tenant_id: str,
    integration_id: int | None,
    sales_order_id: int | None,
    status: InvoiceStatus | None,
    limit: int,
    before: int | None,
    as_json: bool,
) -> None:
    """Show the invoices of an integration, or of a sales order, newest first."""
    if sales_order_id is not None and integration_id is None and status is None:
        rows = [
            invoice_row(view) for view in context().bridge.invoices.list_for_order(tenant_id, sales_order_id)
        ]
        show_rows(rows, as_json=as_json, when_empty=_NO_INVOICES, columns=_COLUMNS)
    elif integration_id is not None and sales_order_id is None:
        request = page_request(limit, before)
        page = context().bridge.invoices.list(tenant_id, integration_id, status, request)
        show_page(page, invoice_row, as_json=as_json, when_empty=_NO_INVOICES, columns=_COLUMNS)
    else:
        raise click.UsageError("Give either --integration, with or without --status, or --order.")


@invoices.command()
@click.argument("text", required=False, type=Text(), metavar="[TEXT]")
@tenant
@click.option("--by", type=OneOf(SearchBy), help="What TEXT is; by default, guessed from its form.")
@click.option("--status", type=OneOf(_SHOWN), help="Only those with this status.")
@click.option("--payment-status", type=OneOf(PaymentStatus), help="Only those with this payment status.")
@click.option("--integration", "integration_id", type=IDENTIFIER, help="Those sent through this integration.")
@click.option("--from", "created_from", type=DateTime(), help="Those created at this time or later.")
@click.option("--until", "created_before", type=DateTime(), help="Those created before this time.")
@paging
@as_json
def search(
    text: str | None, tenant_id: str, limit: int, before: int | None, as_json: bool, **filters: Any
) -> None:
    """Find a tenant's invoices by number, customer email, Stripe id, sales order, status or date.

    Numbers and emails match by their beginning; sales orders, and ids of invoices, payment intents and charges, only as a
    whole.

    \b
    Examples:
      stripe-bridge invoices search ROSEN-00 --tenant acme
      stripe-bridge invoices search jenny@example.com --tenant acme --status open
      stripe-bridge invoices search --tenant acme --payment-status failed --from 2026-11-01
    """
    query = InvoiceQuery(text=text or "", **filters)
    found: list[Row] = []
    # A page may be short although there are more behind it.
    while len(found) < limit:
        request = PageRequest(per_page=limit - len(found), before_id=before)
        page = context().bridge.invoices.search(tenant_id, query, request).page
        found += map(found_row, page.items)
        if page.next_cursor is None:
            break
        before = PageRequest.of(page=None, per_page=limit, cursor=page.next_cursor).before_id
    show_rows(found, as_json=as_json, when_empty=_NO_INVOICES, columns=_COLUMNS_OF_FOUND)
    if page.next_cursor is not None and not as_json:
        click.echo(f"\nThere are more; continue with: --before {before}", err=True)


@invoices.command()
@click.argument("invoice_id", metavar="ID", type=IDENTIFIER)
@tenant
@as_json
def show(invoice_id: int, tenant_id: str, as_json: bool) -> None:
    """Show everything known about an invoice."""
    show_row(invoice_row(context().bridge.invoices.show(tenant_id, invoice_id)), as_json=as_json)


@invoices.command()
@tenant
@click.option(
    "--integration",
    "integration_id",
    required=True,
    type=IDENTIFIER,
    help="The integration to send it through.",
)
@click.option("--order", "sales_order_id", required=True, type=IDENTIFIER, help="The ERP's sales order.")
@click.option("--amount", type=AMOUNT, help="In minor units; by default, all that the order still owes.")
@click.option(
    "--email",
    type=Text(max_length=512, pattern=r"[^@\s]+@[^@\s]+", meaning="an email address"),
    help="The address to send it to; by default, the order's customer.",
)
@user_id
@as_json
def send(as_json: bool, **command: Any) -> None:
    """Send an invoice for a sales order. Stripe emails it to the customer.

    If the order has an invoice that can still be paid, that one is shown and no second one is sent. After a failure it is
    safe to send again.
    """
    sent = context().bridge.invoices.send(SendInvoiceCommand(**command))
    if not sent.created and not as_json:
        click.echo("The sales order already has a payable invoice:", err=True)
    show_row(invoice_row(sent.view), as_json=as_json, columns=_COLUMNS_OF_SENT)


@invoices.command()
@click.argument("invoice_id", metavar="ID", type=IDENTIFIER)
@tenant
@yes_option
@as_json
def void(invoice_id: int, tenant_id: str, yes: bool, as_json: bool) -> None:
    """Void an unpaid invoice for good, so that its order can be invoiced again. Refund a paid one instead."""
    invoice = context().bridge.invoices.show(tenant_id, invoice_id).invoice
    confirm(
        f"This voids invoice {invoice.number or invoice.id} of {written(invoice.amount, invoice.currency)} for order "
        f"{invoice.sales_order_number} for good: {invoice.customer_email} can no longer pay it.",
        yes=yes,
    )
    voided = context().bridge.invoices.void(tenant_id, invoice_id)
    show_row(invoice_row(voided), as_json=as_json, columns=_COLUMNS)


@invoices.command()
@click.argument("invoice_id", metavar="ID", type=IDENTIFIER)
@tenant
@as_json
def activity(invoice_id: int, tenant_id: str, as_json: bool) -> None:
    """Show Stripe's events about an invoice, its payments and its charges, oldest first."""
    rows = [event_row(event) for event in context().bridge.invoices.show_activity(tenant_id, invoice_id)]
    show_rows(rows, as_json=as_json, when_empty="No events yet.", columns=_COLUMNS_OF_ACTIVITY)

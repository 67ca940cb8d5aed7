"""`stripe-bridge refunds`."""

from __future__ import annotations

import click

from stripe_bridge.adapters.cli.confirming import confirm, yes_option
from stripe_bridge.adapters.cli.context import context
from stripe_bridge.adapters.cli.group import CommandGroup, as_json
from stripe_bridge.adapters.cli.options import AMOUNT, IDENTIFIER, OneOf, tenant, user_id
from stripe_bridge.adapters.cli.output import show_row, show_rows
from stripe_bridge.adapters.cli.rendering import refund_row
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.money import written
from stripe_bridge.domain.refund import RefundReason, RefundSource
from stripe_bridge.use_cases.refunds.issue import IssueRefundCommand

_COLUMNS = (
    "id",
    "refund_id",
    "amount",
    "currency",
    "status",
    "reason",
    "failure_reason",
    "source",
    "created_at",
)


@click.group(cls=CommandGroup)
def refunds() -> None:
    """Refunds to customers, by invoice. Amounts are in the currency's minor unit: 9900 is 99.00 EUR.

    \b
    Examples:
      stripe-bridge refunds list 12 --tenant acme
      stripe-bridge refunds issue 12 --tenant acme --amount 2500 --reason requested_by_customer
      stripe-bridge refunds issue 12 --tenant acme
      stripe-bridge refunds accept-duplicate 34 --tenant acme
    """


@refunds.command("list")
@click.argument("invoice_id", metavar="INVOICE_ID", type=IDENTIFIER)
@tenant
@as_json
def list_(invoice_id: int, tenant_id: str, as_json: bool) -> None:
    """Show an invoice's refunds, newest first, including those made in Stripe's dashboard."""
    rows = [refund_row(refund) for refund in context().bridge.refunds.list(tenant_id, invoice_id)]
    show_rows(rows, as_json=as_json, when_empty="No refunds.", columns=_COLUMNS)


@refunds.command()
@click.argument("invoice_id", metavar="INVOICE_ID", type=IDENTIFIER)
@tenant
@click.option("--amount", type=AMOUNT, help="In minor units; by default, all that may still be refunded.")
@click.option("--reason", type=OneOf(RefundReason), help="The reason to give Stripe.")
@user_id
@yes_option
@as_json
def issue(
    invoice_id: int,
    tenant_id: str,
    amount: int | None,
    reason: RefundReason | None,
    user_id: int | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Refund what was paid for an invoice: all that is left of it, or the amount given.

    An amount larger than any single payment is split into several refunds. For a refund that is `pending` without a
    refund_id, it is not yet known whether Stripe has it; a worker will check. Look at the list before issuing another.
    """
    confirm(_consequence(context().bridge.invoices.show(tenant_id, invoice_id).invoice, amount), yes=yes)
    command = IssueRefundCommand(
        tenant_id=tenant_id,
        user_id=user_id,
        invoice_id=invoice_id,
        amount=amount,
        reason=reason,
        source=RefundSource.CLI,
    )
    issued = context().bridge.refunds.issue(command)
    rows = [refund_row(refund) for refund in issued.refunds]
    show_rows(rows, as_json=as_json, when_empty="Nothing was refunded.", columns=_COLUMNS)
    if issued.amount_refused:
        # Not a failure: some was refunded, and repeating the command would refund more.
        click.echo(f"\nStripe refused the rest: {issued.amount_refused}.", err=True)


@refunds.command("accept-duplicate")
@click.argument("refund_id", metavar="ID", type=IDENTIFIER)
@tenant
@as_json
def accept_duplicate(refund_id: int, tenant_id: str, as_json: bool) -> None:
    """Accept a refund that Stripe made twice. The ID is this service's, as shown by `stripe-bridge doctor`.

    Both refunds stay in the ledger and count as refunded; only the finding goes away. Before you accept one, look at both
    at Stripe, and settle with the customer.
    """
    show_row(refund_row(context().bridge.refunds.accept_duplicate(tenant_id, refund_id)), as_json=as_json)


def _consequence(invoice: Invoice, amount: int | None) -> str:
    left = written(invoice.amount_paid - invoice.amount_refunded, invoice.currency)
    wanted = (
        f"all that is left, at most {left}"
        if amount is None
        else f"{written(amount, invoice.currency)} of {left}"
    )
    return (
        f"This refunds {wanted}, paid for invoice {invoice.number or invoice.id}, to {invoice.customer_email}. "
        "A refund cannot be undone."
    )

"""Planning intents: the parameters of a call to Stripe are decided here once, before it is made.

Everything that is read out of `parameters` elsewhere was put there by this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from stripe_bridge.domain.billed_customer import BilledCustomer
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.intent import (
    Intent,
    Operation,
    account_subject,
    customer_subject,
    invoice_subject,
    platform_subject,
    receiver_subject,
    refund_subject,
)
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.receiver import ReceiverKind
from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.refusal import SendFailure, dump_failure, load_failure
from stripe_bridge.domain.sales_order import Address, Customer, InvoiceLine
from stripe_bridge.domain.stripe_objects import METADATA_REFERENCE
from stripe_bridge.domain.webhook_event import PLATFORM


def plan_customer(
    customer: BilledCustomer,
    invoice: Invoice,
    details: Customer,
    metadata: Mapping[str, str],
    *,
    reference: str,
    now: datetime,
) -> Intent:
    """Create the customer at Stripe. The intent belongs to no invoice, as several may wait for the customer."""
    return _plan(
        Operation.CREATE_CUSTOMER,
        customer_subject(customer.id),
        tenant_id=invoice.tenant_id,
        integration_id=invoice.integration_id,
        account_id=invoice.stripe_account_id,
        parameters={
            "customer": customer.id,
            "email": invoice.customer_email,
            "name": details.name,
            "address": asdict(details.address) if details.address else None,
            "erp_customer_id": details.id,
            "metadata": dict(metadata),
        },
        reference=reference,
        now=now,
    )


def plan_draft(
    invoice: Invoice,
    stripe_customer_id: str,
    metadata: Mapping[str, str],
    *,
    reference: str,
    now: datetime,
) -> Intent:
    return _plan_for(
        Operation.CREATE_DRAFT,
        invoice,
        {
            "customer_id": stripe_customer_id,
            "currency": invoice.currency.lower(),
            "days_until_due": invoice.days_until_due,
            "order_number": invoice.sales_order_number,
            "metadata": dict(metadata),
        },
        reference=reference,
        now=now,
    )


def plan_lines(invoice: Invoice, *, reference: str, now: datetime) -> Intent:
    parameters = {
        "stripe_invoice_id": invoice.stripe_invoice_id,
        "lines": [asdict(line) for line in invoice.lines],
    }
    return _plan_for(Operation.ADD_LINES, invoice, parameters, reference=reference, now=now)


def plan_finalize(invoice: Invoice, *, reference: str, now: datetime) -> Intent:
    return _plan_for(Operation.FINALIZE, invoice, _stripe_id_of(invoice), reference=reference, now=now)


def plan_send(invoice: Invoice, *, reference: str, now: datetime) -> Intent:
    return _plan_for(Operation.SEND, invoice, _stripe_id_of(invoice), reference=reference, now=now)


def plan_send_again(invoice: Invoice, *, reference: str, now: datetime) -> Intent:
    """Only an email: if Stripe refuses, the invoice stays as it is."""
    parameters = {**_stripe_id_of(invoice), "again": True}
    return _plan_for(Operation.SEND, invoice, parameters, reference=reference, now=now)


def plan_void(
    invoice: Invoice,
    *,
    because: str | None,
    failure: SendFailure | None = None,
    reference: str,
    now: datetime,
) -> Intent:
    """`because` and `failure` are stored on the invoice if the void ends a send."""
    parameters = {**_stripe_id_of(invoice), "because": because, **_planned(failure)}
    return _plan_for(Operation.VOID, invoice, parameters, reference=reference, now=now)


def plan_delete(
    invoice: Invoice,
    *,
    because: str | None,
    failure: SendFailure | None = None,
    reference: str,
    now: datetime,
) -> Intent:
    parameters = {**_stripe_id_of(invoice), "because": because, **_planned(failure)}
    return _plan_for(Operation.DELETE_DRAFT, invoice, parameters, reference=reference, now=now)


def plan_refund(
    refund: Refund, invoice: Invoice, metadata: Mapping[str, str], *, reference: str, now: datetime
) -> Intent:
    """The refund was reserved in the ledger under the same reference."""
    return _plan(
        Operation.REFUND,
        refund_subject(refund.id),
        tenant_id=invoice.tenant_id,
        integration_id=invoice.integration_id,
        account_id=refund.account_id,
        parameters={
            "refund": refund.id,
            "invoice": invoice.id,
            "payment_intent_id": refund.payment_intent_id,
            "charge_id": refund.charge_id,
            "amount": refund.amount,
            "reason": refund.reason,
            "metadata": dict(metadata),
        },
        reference=reference,
        now=now,
    )


def plan_deauthorize(integration: Integration, account_id: str, *, reference: str, now: datetime) -> Intent:
    return _plan(
        Operation.DEAUTHORIZE,
        account_subject(account_id),
        tenant_id=integration.tenant_id,
        integration_id=integration.id,
        account_id=account_id,
        parameters={},
        reference=reference,
        now=now,
    )


def plan_endpoint(
    integration: Integration, account_id: str, url: str, *, reference: str, now: datetime
) -> Intent:
    """Create a webhook endpoint in the connected account itself."""
    return _plan(
        Operation.CREATE_ENDPOINT,
        receiver_subject(integration.id),
        tenant_id=integration.tenant_id,
        integration_id=integration.id,
        account_id=account_id,
        parameters={"url": url},
        reference=reference,
        now=now,
    )


def plan_endpoint_repair(kind: ReceiverKind, url: str, *, reference: str, now: datetime) -> Intent:
    """Make sure that one of the platform's endpoints exists and is in order."""
    return _plan(
        Operation.REPAIR_ENDPOINT,
        platform_subject(kind),
        tenant_id=None,
        integration_id=None,
        account_id=PLATFORM,
        parameters={"kind": kind.value, "url": url},
        reference=reference,
        now=now,
    )


def planned_metadata(intent: Intent) -> Mapping[str, str]:
    """What an earlier release planned has only the reference."""
    planned: Mapping[str, str] = intent.parameters.get("metadata", {METADATA_REFERENCE: intent.reference})
    return planned


def planned_address(parameters: Mapping[str, Any]) -> Address | None:
    return Address(**parameters["address"]) if parameters["address"] else None


def planned_lines(parameters: Mapping[str, Any]) -> tuple[InvoiceLine, ...]:
    return tuple(InvoiceLine(**line) for line in parameters["lines"])


def is_sent_again(intent: Intent) -> bool:
    """Whether the invoice had been sent before, so that nothing depends on this email."""
    return bool(intent.parameters.get("again"))


def planned_failure(parameters: Mapping[str, Any]) -> SendFailure | None:
    """None also for a plan that an earlier release stored."""
    return load_failure(parameters["failure"]) if "failure" in parameters else None


def _planned(failure: SendFailure | None) -> dict[str, Any]:
    return {} if failure is None else {"failure": dump_failure(failure)}


def _stripe_id_of(invoice: Invoice) -> dict[str, Any]:
    return {"stripe_invoice_id": invoice.stripe_invoice_id}


def _plan_for(
    operation: Operation, invoice: Invoice, parameters: Mapping[str, Any], *, reference: str, now: datetime
) -> Intent:
    return _plan(
        operation,
        invoice_subject(invoice.id),
        tenant_id=invoice.tenant_id,
        integration_id=invoice.integration_id,
        account_id=invoice.stripe_account_id,
        invoice_id=invoice.id,
        parameters=parameters,
        reference=reference,
        now=now,
    )


def _plan(
    operation: Operation,
    subject: str,
    *,
    tenant_id: str | None,
    integration_id: int | None,
    account_id: str,
    parameters: Mapping[str, Any],
    reference: str,
    now: datetime,
    invoice_id: int | None = None,
) -> Intent:
    return Intent(
        id=0,
        tenant_id=tenant_id,
        integration_id=integration_id,
        account_id=account_id,
        operation=operation,
        subject=subject,
        invoice_id=invoice_id,
        parameters=parameters,
        reference=reference,
        created_at=now,
        updated_at=now,
        due_at=now,
    )

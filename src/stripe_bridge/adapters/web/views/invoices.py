from __future__ import annotations

from typing import Any

from stripe_bridge.adapters.web.endpoints import Call, operation
from stripe_bridge.adapters.web.schemas.fields import Nothing
from stripe_bridge.adapters.web.schemas.invoices import (
    InvoiceAnswer,
    InvoiceList,
    InvoicePage,
    InvoicePageQuery,
    InvoiceSent,
    InvoiceVoided,
    NewInvoice,
    TenantInvoicePageQuery,
)
from stripe_bridge.adapters.web.views.paging import page_request, paginated
from stripe_bridge.adapters.web.views.sequence import sequence_of
from stripe_bridge.domain.access import Permission
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.ports.storage.invoicing import InvoiceFilter
from stripe_bridge.use_cases.invoices.send import SendInvoiceCommand


@operation(
    "POST",
    "/api/stripe/invoices",
    permission=Permission.SEND_INVOICES,
    body=NewInvoice,
    answers={201: InvoiceSent, 200: InvoiceSent},
    problems=(404, 409, 502),
    limit="30/minute",
    says_sequence=True,
)
def send_invoice(call: Call) -> Any:
    """Send Invoice

    If the order has an invoice that can still be paid, the answer is a 200 with that one: its amount and email, not the
    request's. What Stripe refuses for good is a 422 with its words in `stripe`. After a 502, it is safe to send again.
    """
    command = SendInvoiceCommand(
        tenant_id=call.principal.tenant_id, user_id=call.principal.user_id, **call.body
    )
    sent = call.bridge.invoices.send(command)
    sequence = sequence_of(call, sales_order_id=command.sales_order_id)
    if sent.created:
        return {"data": sent.view, "message": "Invoice sent to customer."}, 201, sequence
    return {"data": sent.view, "message": "The sales order has a payable invoice already."}, 200, sequence


@operation(
    "GET",
    "/api/stripe/invoices",
    permission=Permission.READ,
    query=TenantInvoicePageQuery,
    answers={200: InvoicePage},
)
def list_invoices(call: Call) -> Any:
    """List Invoices

    Of all integrations, newest first; with `updated_since`, in the order of their updates.
    """
    names = ("updated_since", "stripe_invoice_id", "stripe_charge_id", "number")
    matching = InvoiceFilter(
        status=_status(call), **{name: call.query[name] for name in names if name in call.query}
    )
    request = page_request(call.query, by_update=matching.updated_since is not None)
    return paginated(call.bridge.invoices.list_for_tenant(call.principal.tenant_id, matching, request))


@operation(
    "GET",
    "/api/stripe/invoices/<id:invoice_id>",
    permission=Permission.READ,
    answers={200: InvoiceAnswer},
)
def show_invoice(call: Call, invoice_id: int) -> Any:
    """Show Invoice"""
    return {"data": call.bridge.invoices.show(call.principal.tenant_id, invoice_id)}


@operation(
    "POST",
    "/api/stripe/invoices/<id:invoice_id>/void",
    permission=Permission.VOID_INVOICES,
    body=Nothing,
    answers={200: InvoiceVoided},
    problems=(409, 502),
    says_sequence=True,
)
def void_invoice(call: Call, invoice_id: int) -> Any:
    """Void Invoice

    An open invoice is voided at Stripe, a draft is deleted there. Either way its order can be invoiced again.
    """
    voided = call.bridge.invoices.void(call.principal.tenant_id, invoice_id)
    sequence = sequence_of(call, sales_order_id=voided.invoice.sales_order_id)
    return {"data": voided, "message": "Invoice voided."}, 200, sequence


@operation(
    "GET",
    "/api/stripe/integrations/<id:integration_id>/invoices",
    permission=Permission.READ,
    query=InvoicePageQuery,
    answers={200: InvoicePage},
)
def list_integration_invoices(call: Call, integration_id: int) -> Any:
    """List Invoices by Instance

    Newest first.
    """
    tenant_id, request = call.principal.tenant_id, page_request(call.query)
    return paginated(call.bridge.invoices.list(tenant_id, integration_id, _status(call), request))


@operation(
    "GET",
    "/api/stripe/sales-orders/<id:sales_order_id>/invoices",
    permission=Permission.READ,
    answers={200: InvoiceList},
)
def list_sales_order_invoices(call: Call, sales_order_id: int) -> Any:
    """List Invoices for Sales Order

    Of all integrations, newest first.
    """
    return {"data": call.bridge.invoices.list_for_order(call.principal.tenant_id, sales_order_id)}


INVOICES = (
    send_invoice,
    list_invoices,
    show_invoice,
    void_invoice,
    list_integration_invoices,
    list_sales_order_invoices,
)


def _status(call: Call) -> InvoiceStatus | None:
    return InvoiceStatus(call.query["status"]) if "status" in call.query else None

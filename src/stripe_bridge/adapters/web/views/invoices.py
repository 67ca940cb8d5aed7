from __future__ import annotations

from typing import Any

from stripe_bridge.adapters.web.endpoints import ApiRequest, operation
from stripe_bridge.adapters.web.schemas.fields import EmptySchema
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
from stripe_bridge.adapters.web.views.sequence import sequence_header, sequence_of
from stripe_bridge.domain.access import Permission
from stripe_bridge.domain.errors.base import IntegrationNotFound, InvoiceNotFound, SalesOrderNotFound
from stripe_bridge.domain.errors.conflicts import InvoiceBeingSent, OrderBilledTwice
from stripe_bridge.domain.errors.outcomes import (
    CustomerHasBalance,
    InvoiceNotSent,
    InvoiceNotVoided,
    InvoiceRefused,
    Recovering,
    VoidRefused,
)
from stripe_bridge.domain.errors.rules import (
    AmountBelowMinimum,
    AmountOverOutstanding,
    EmailMissing,
    IntegrationNotConnected,
    IntegrationRestricted,
    InvoiceNotVoidable,
    InvoiceRevised,
    NothingOutstanding,
)
from stripe_bridge.domain.errors.values import AmountNotChargeable
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.ports.storage.invoicing import InvoiceFilter
from stripe_bridge.ports.storage.unit_of_work import IntentUnsettled
from stripe_bridge.use_cases.invoices.send import SendInvoiceCommand


@operation(
    "POST",
    "/api/stripe/invoices",
    permission=Permission.SEND_INVOICES,
    body=NewInvoice,
    answers={201: InvoiceSent, 200: InvoiceSent},
    problems=(
        SalesOrderNotFound,
        IntegrationNotFound,
        Recovering,
        OrderBilledTwice,
        IntegrationNotConnected,
        IntegrationRestricted,
        NothingOutstanding,
        AmountOverOutstanding,
        EmailMissing,
        AmountNotChargeable,
        AmountBelowMinimum,
        InvoiceRevised,
        InvoiceRefused,
        CustomerHasBalance,
        InvoiceNotSent,
        IntentUnsettled,
    ),
    limit="30/minute",
    says_sequence=True,
    documented={
        "responses": {
            200: {"description": "The invoice of the order that can still be paid, as it is"},
            201: {"description": "The invoice that was sent"},
        }
    },
)
def send_invoice(request: ApiRequest) -> Any:
    """Send Invoice

    If the order has an invoice that can still be paid, the response is a 200 with that invoice: its amount and email, not the
    request's. What Stripe refuses for good is a 422 with its message in `stripe`. After a 502, it is safe to send again.
    """
    command = SendInvoiceCommand(
        tenant_id=request.principal.tenant_id, user_id=request.principal.user_id, **request.body
    )
    sent = request.bridge.invoices.send(command)
    sequence = sequence_header(sent.last_change)
    if sent.created:
        return {"data": sent.view, "message": "Invoice sent to customer."}, 201, sequence
    return {"data": sent.view, "message": "The sales order already has a payable invoice."}, 200, sequence


@operation(
    "GET",
    "/api/stripe/invoices",
    permission=Permission.READ,
    query=TenantInvoicePageQuery,
    answers={200: InvoicePage},
)
def list_invoices(request: ApiRequest) -> Any:
    """List Invoices

    Of all integrations, newest first; with `updated_since`, in the order of their updates.
    """
    names = ("updated_since", "stripe_invoice_id", "stripe_charge_id", "number")
    matching = InvoiceFilter(
        status=_status(request), **{name: request.query[name] for name in names if name in request.query}
    )
    page = page_request(request.query, by_update=matching.updated_since is not None)
    return paginated(request.bridge.invoices.list_for_tenant(request.principal.tenant_id, matching, page))


@operation(
    "GET",
    "/api/stripe/invoices/<id:invoice_id>",
    permission=Permission.READ,
    answers={200: InvoiceAnswer},
    problems=(InvoiceNotFound,),
)
def show_invoice(request: ApiRequest, invoice_id: int) -> Any:
    """Show Invoice

    As Stripe last showed it. Links that are about to expire are renewed first, if Stripe answers quickly.
    """
    return {"data": request.bridge.invoices.show(request.principal.tenant_id, invoice_id)}


@operation(
    "POST",
    "/api/stripe/invoices/<id:invoice_id>/void",
    permission=Permission.VOID_INVOICES,
    body=EmptySchema,
    answers={200: InvoiceVoided},
    problems=(
        InvoiceNotFound,
        InvoiceNotVoidable,
        IntegrationNotConnected,
        InvoiceBeingSent,
        VoidRefused,
        InvoiceNotVoided,
    ),
    says_sequence=True,
)
def void_invoice(request: ApiRequest, invoice_id: int) -> Any:
    """Void Invoice

    An open invoice is voided at Stripe; a draft is deleted there. Either way, its order can be invoiced again.
    """
    voided = request.bridge.invoices.void(request.principal.tenant_id, invoice_id)
    sequence = sequence_of(request, sales_order_id=voided.invoice.sales_order_id)
    return {"data": voided, "message": "Invoice voided."}, 200, sequence


@operation(
    "GET",
    "/api/stripe/integrations/<id:integration_id>/invoices",
    permission=Permission.READ,
    query=InvoicePageQuery,
    answers={200: InvoicePage},
    problems=(IntegrationNotFound,),
)
def list_integration_invoices(request: ApiRequest, integration_id: int) -> Any:
    """List Invoices by Instance

    Newest first.
    """
    tenant_id, page = request.principal.tenant_id, page_request(request.query)
    return paginated(request.bridge.invoices.list(tenant_id, integration_id, _status(request), page))


@operation(
    "GET",
    "/api/stripe/sales-orders/<id:sales_order_id>/invoices",
    permission=Permission.READ,
    answers={200: InvoiceList},
    problems=(SalesOrderNotFound,),
)
def list_sales_order_invoices(request: ApiRequest, sales_order_id: int) -> Any:
    """List Invoices for Sales Order

    Of all integrations, newest first.
    """
    return {"data": request.bridge.invoices.list_for_order(request.principal.tenant_id, sales_order_id)}


INVOICES = (
    send_invoice,
    list_invoices,
    show_invoice,
    void_invoice,
    list_integration_invoices,
    list_sales_order_invoices,
)


def _status(request: ApiRequest) -> InvoiceStatus | None:
    return InvoiceStatus(request.query["status"]) if "status" in request.query else None

"""Every operation under /v1 that is emulated: its verb and path, its parameters, and the function that answers it."""

import re
from dataclasses import dataclass

from stripe_emulator.api.call import Handler
from stripe_emulator.errors import StripeError
from stripe_emulator.resources import (
    accounts,
    checkout_sessions,
    credit_notes,
    customers,
    disputes,
    events,
    invoice_lifecycle,
    invoice_lines,
    invoices,
    payments,
    refunds,
    webhook_endpoints,
)


@dataclass(frozen=True)
class Operation:
    """One verb on one kind of path; `params` names the type in `stripe.params` with its parameters."""

    method: str
    path: str
    params: str
    handler: Handler


_TABLE = (
    ("GET", "account", "AccountRetrieveCurrentParams", accounts.retrieve_current),
    ("GET", "accounts/*", "AccountRetrieveParams", accounts.retrieve),
    ("POST", "customers", "CustomerCreateParams", customers.create),
    ("GET", "customers", "CustomerListParams", customers.list_),
    ("GET", "customers/*", "CustomerRetrieveParams", customers.retrieve),
    ("POST", "customers/*", "CustomerUpdateParams", customers.update),
    ("DELETE", "customers/*", "CustomerDeleteParams", customers.delete),
    (
        "GET",
        "customers/*/balance_transactions",
        "CustomerBalanceTransactionListParams",
        customers.list_balance_transactions,
    ),
    ("POST", "invoices", "InvoiceCreateParams", invoices.create),
    ("GET", "invoices", "InvoiceListParams", invoices.list_),
    ("GET", "invoices/*", "InvoiceRetrieveParams", invoices.retrieve),
    ("POST", "invoices/*", "InvoiceUpdateParams", invoices.update),
    ("DELETE", "invoices/*", "InvoiceDeleteParams", invoices.delete),
    ("GET", "invoices/*/lines", "InvoiceLineItemListParams", invoice_lines.list_),
    ("POST", "invoices/*/add_lines", "InvoiceAddLinesParams", invoice_lines.add),
    ("POST", "invoices/*/update_lines", "InvoiceUpdateLinesParams", invoice_lines.update),
    ("POST", "invoices/*/remove_lines", "InvoiceRemoveLinesParams", invoice_lines.remove),
    ("POST", "invoices/*/finalize", "InvoiceFinalizeInvoiceParams", invoice_lifecycle.finalize),
    ("POST", "invoices/*/send", "InvoiceSendInvoiceParams", invoice_lifecycle.send),
    ("POST", "invoices/*/pay", "InvoicePayParams", invoice_lifecycle.pay),
    ("POST", "invoices/*/void", "InvoiceVoidInvoiceParams", invoice_lifecycle.void),
    (
        "POST",
        "invoices/*/mark_uncollectible",
        "InvoiceMarkUncollectibleParams",
        invoice_lifecycle.mark_uncollectible,
    ),
    ("GET", "invoice_payments", "InvoicePaymentListParams", payments.list_invoice_payments),
    ("GET", "invoice_payments/*", "InvoicePaymentRetrieveParams", payments.retrieve_invoice_payment),
    ("GET", "payment_intents", "PaymentIntentListParams", payments.list_intents),
    ("GET", "payment_intents/*", "PaymentIntentRetrieveParams", payments.retrieve_intent),
    ("GET", "payment_methods/*", "PaymentMethodRetrieveParams", payments.retrieve_payment_method),
    ("POST", "payment_intents/*/cancel", "PaymentIntentCancelParams", payments.cancel_intent),
    ("GET", "charges", "ChargeListParams", payments.list_charges),
    ("GET", "charges/*", "ChargeRetrieveParams", payments.retrieve_charge),
    ("POST", "charges/*", "ChargeUpdateParams", payments.update_charge),
    ("POST", "refunds", "RefundCreateParams", refunds.create),
    ("GET", "refunds", "RefundListParams", refunds.list_),
    ("GET", "refunds/*", "RefundRetrieveParams", refunds.retrieve),
    ("POST", "refunds/*", "RefundUpdateParams", refunds.update),
    ("POST", "refunds/*/cancel", "RefundCancelParams", refunds.cancel),
    ("GET", "disputes", "DisputeListParams", disputes.list_),
    ("GET", "disputes/*", "DisputeRetrieveParams", disputes.retrieve),
    ("POST", "disputes/*", "DisputeUpdateParams", disputes.update),
    ("POST", "disputes/*/close", "DisputeCloseParams", disputes.close),
    ("POST", "credit_notes", "CreditNoteCreateParams", credit_notes.create),
    ("GET", "credit_notes", "CreditNoteListParams", credit_notes.list_),
    ("GET", "credit_notes/*", "CreditNoteRetrieveParams", credit_notes.retrieve),
    ("GET", "checkout/sessions/*", "checkout.SessionRetrieveParams", checkout_sessions.retrieve),
    ("GET", "events", "EventListParams", events.list_),
    ("GET", "events/*", "EventRetrieveParams", events.retrieve),
    ("POST", "webhook_endpoints", "WebhookEndpointCreateParams", webhook_endpoints.create),
    ("GET", "webhook_endpoints", "WebhookEndpointListParams", webhook_endpoints.list_),
    ("GET", "webhook_endpoints/*", "WebhookEndpointRetrieveParams", webhook_endpoints.retrieve),
    ("POST", "webhook_endpoints/*", "WebhookEndpointUpdateParams", webhook_endpoints.update),
    ("DELETE", "webhook_endpoints/*", "WebhookEndpointDeleteParams", webhook_endpoints.delete),
)

OPERATIONS = [
    (re.compile("/v1/" + path.replace("*", "([^/]+)")), Operation(method, path, params, handler))
    for method, path, params, handler in _TABLE
]


def find_operation(method: str, path: str) -> tuple[Operation, tuple[str, ...]]:
    """The operation and the ids in its path. A wrong verb is refused like a wrong path."""
    for pattern, operation in OPERATIONS:
        match = pattern.fullmatch(path)
        if match and operation.method == method:
            return operation, match.groups()
    raise StripeError(
        f"Unrecognized request URL ({method}: {path}). If you are trying to list objects, remove the trailing slash. "
        "If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier in your code. "
        "Please see https://stripe.com/docs or we can help at https://support.stripe.com/.",
        status=404,
        is_validation=True,
    )

"""Commands and the REST API use the same names for programs."""

import pytest

from stripe_bridge.adapters.cli import rendering
from stripe_bridge.adapters.web.schemas.integrations import IntegrationSchema
from stripe_bridge.adapters.web.schemas.invoices import InvoiceSchema, PaymentSchema
from stripe_bridge.adapters.web.schemas.refunds import RefundSchema
from stripe_bridge.adapters.web.schemas.subscribers import DeliverySchema, SubscriberSchema
from stripe_bridge.adapters.web.schemas.webhook_events import WebhookEventSchema
from stripe_bridge.use_cases.integrations.manage import IntegrationView
from stripe_bridge.use_cases.invoices.views import InvoiceView, PaymentView
from stripe_bridge.use_cases.subscribers.queries import SubscriberView
from tests.builders import (
    a_delivery,
    a_payment,
    a_pending_integration,
    a_refund,
    a_subscriber,
    a_webhook_event,
    an_integration,
    an_invoice,
)

# In the API the tenant is the caller's own.
ONLY_HERE = {"tenant_id"}
INVOICE = InvoiceView(invoice=an_invoice(), integration_name="Main shop")
PAYMENT = PaymentView(payment=a_payment(), status="paid", amount=12_000, currency="EUR")


@pytest.mark.parametrize(
    ("row", "shape"),
    [
        (
            rendering.integration_row(IntegrationView(integration=an_integration(), webhook_registered=True)),
            IntegrationSchema,
        ),
        (rendering.invoice_row(INVOICE), InvoiceSchema),
        (rendering.payment_row(PAYMENT), PaymentSchema),
        (rendering.refund_row(a_refund()), RefundSchema),
        (rendering.event_row(a_webhook_event()), WebhookEventSchema),
        (rendering.subscriber_row(SubscriberView(subscriber=a_subscriber(), behind=0)), SubscriberSchema),
        (rendering.delivery_row(a_delivery()), DeliverySchema),
    ],
)
def test_a_row_has_the_fields_of_the_rest_api(row, shape):
    assert set(row) - ONLY_HERE == set(shape().fields)


def test_a_row_has_the_same_fields_before_the_first_connection():
    pending, connected = (
        rendering.integration_row(IntegrationView(integration=integration, webhook_registered=False))
        for integration in (a_pending_integration(), an_integration())
    )

    assert list(pending) == list(connected)
    assert (pending["charges_enabled"], pending["country"]) == (False, None)


def test_a_reserved_invoice_is_a_draft_to_everybody():
    assert rendering.invoice_row(INVOICE)["status"] == "draft"

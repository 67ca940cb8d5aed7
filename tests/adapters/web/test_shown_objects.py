"""The change log shows objects as GET does."""

import json
from typing import Any

import pytest
from marshmallow import Schema

from stripe_bridge.adapters.web.schemas.integrations import IntegrationSchema
from stripe_bridge.adapters.web.schemas.invoices import InvoiceSchema
from stripe_bridge.adapters.web.schemas.refunds import RefundSchema
from stripe_bridge.adapters.web.schemas.sales_orders import SalesOrderSchema
from stripe_bridge.domain.changes.recorded import KINDS
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.origin import Actor, ActorType
from stripe_bridge.domain.refund import RefundSource
from stripe_bridge.use_cases.integrations.manage import IntegrationView
from stripe_bridge.use_cases.invoices.views import InvoiceView
from stripe_bridge.use_cases.sales_orders.show import SalesOrderView
from tests.builders import NOW, a_pending_integration, a_refund, a_sales_order, an_integration, an_invoice

BY = Actor(type=ActorType.OPERATOR, id="alice")
# Bearer secrets, which are never in the log.
LINKS = {"hosted_invoice_url", "hosted_invoice_url_expires_at", "invoice_pdf"}
# What GET shows of other objects; the log has them beside the object, or as changes of their own.
BESIDE: dict[type[Schema], set[str]] = {
    InvoiceSchema: {"integration_instance", "payments", "refundable_in_cents"},
    RefundSchema: set(),
    IntegrationSchema: {"webhook_registered"},
    SalesOrderSchema: {"outstanding_in_cents", "settled_in_cents", "overpaid_in_cents", "open_invoice"},
}
# What GET has in its path.
IN_PATH: dict[type[Schema], set[str]] = {RefundSchema: {"invoice_id"}}


def view(value: Any) -> Any:
    return value


def as_invoice(value: Any) -> Any:
    return InvoiceView(invoice=value, integration_name="Main shop", refundable=1)


def as_integration(value: Any) -> Any:
    return IntegrationView(integration=value, webhook_registered=True)


def as_order(value: Any) -> Any:
    return SalesOrderView(order=value, outstanding=1, settled=2, overpaid=3, open_invoice=None)


@pytest.mark.parametrize(
    ("schema", "viewed", "value"),
    [
        (InvoiceSchema, as_invoice, an_invoice(metadata={"a": "b", "stripe_bridge_reference": "r"})),
        (InvoiceSchema, as_invoice, an_invoice(status=InvoiceStatus.PAID, paid_at=NOW, number="A-1")),
        (InvoiceSchema, as_invoice, an_invoice(status=InvoiceStatus.VOID, voided_by=BY, sent_at=NOW)),
        (RefundSchema, view, a_refund()),
        (RefundSchema, view, a_refund(source=RefundSource.CLI)),
        (RefundSchema, view, a_refund(reference=None)),
        (IntegrationSchema, as_integration, an_integration()),
        (IntegrationSchema, as_integration, a_pending_integration()),
        (SalesOrderSchema, as_order, a_sales_order()),
    ],
)
def test_an_object_is_shown_as_get_shows_it(schema: type[Schema], viewed, value):
    shown = KINDS[type(value)].show(value)
    answered = json.loads(json.dumps(schema().dump(viewed(value))))
    assert set(shown) - IN_PATH.get(schema, set()) == set(answered) - BESIDE[schema]
    for name in set(answered) - BESIDE[schema] - LINKS:
        assert shown[name] == answered[name], name
    assert all(shown[name] is None for name in LINKS & set(shown))

"""Rows match the values that they store."""

import dataclasses
from typing import get_args, get_type_hints

import pytest

from stripe_bridge.adapters.database.mapping import table_of
from stripe_bridge.adapters.database.tables.accounts import (
    IntegrationRow,
    OAuthStateRow,
    ReceiverRow,
    TokenRow,
)
from stripe_bridge.adapters.database.tables.base import Row
from stripe_bridge.adapters.database.tables.inbox import WebhookEventRow
from stripe_bridge.adapters.database.tables.intents import IntentRow
from stripe_bridge.adapters.database.tables.invoicing import InvoiceRow, SalesOrderRow
from stripe_bridge.adapters.database.tables.payments import DisputeRow, PaymentRow, RefundRow
from stripe_bridge.domain.access import ApiToken
from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.integration import Integration, OAuthState
from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.payment import Payment
from stripe_bridge.domain.receiver import Receiver
from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.sales_order import SalesOrder
from stripe_bridge.domain.webhook_event import WebhookEvent

STORED = {
    ApiToken: TokenRow,
    Dispute: DisputeRow,
    Integration: IntegrationRow,
    Intent: IntentRow,
    Invoice: InvoiceRow,
    OAuthState: OAuthStateRow,
    Payment: PaymentRow,
    Receiver: ReceiverRow,
    Refund: RefundRow,
    SalesOrder: SalesOrderRow,
    WebhookEvent: WebhookEventRow,
}
# A stored event always has its payload, but a loaded one often does not.
LOADED_APART = {(WebhookEvent, "payload")}
# What says whether the change log has it.
OF_THE_LOG = frozenset({"logged_version", "logged_updated_at"})
# When its turn is to be reconciled and what that found, which the integration itself does not need.
OF_THE_WORKERS = {(Integration, "reconcile_due_at"), (Integration, "webhook_gap")}


@pytest.mark.parametrize(("value", "row"), STORED.items(), ids=lambda each: each.__name__)
def test_a_row_has_a_column_for_each_field_and_no_other(value: type, row: type[Row]):
    fields = [field.name for field in dataclasses.fields(value)]
    columns = [
        column.name
        for column in table_of(row).columns
        if (value, column.name) not in OF_THE_WORKERS and column.name not in OF_THE_LOG
    ]
    assert sorted(columns) == sorted(fields)


@pytest.mark.parametrize(("value", "row"), STORED.items(), ids=lambda each: each.__name__)
def test_a_column_may_be_null_where_the_field_may_be_none(value: type, row: type[Row]):
    hints = get_type_hints(value)
    optional = {
        name
        for name, hint in hints.items()
        if type(None) in get_args(hint) and (value, name) not in LOADED_APART
    }
    nullable = {
        column.name
        for column in table_of(row).columns
        if column.nullable and (value, column.name) not in OF_THE_WORKERS and column.name not in OF_THE_LOG
    }
    assert nullable == optional

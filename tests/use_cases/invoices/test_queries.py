"""Reading invoices."""

from typing import Any

import pytest

from stripe_bridge.domain.errors.base import IntegrationNotFound, InvoiceNotFound, SalesOrderNotFound
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.domain.stripe_objects import PaymentProgress
from stripe_bridge.ports.storage.invoicing import InvoiceFilter
from stripe_bridge.use_cases.invoices.queries import (
    ListInvoices,
    ListOrderInvoices,
    ListTenantInvoices,
    ShowActivity,
)
from tests.builders import AMOUNT, TENANT
from tests.world import World


def test_an_invoice_is_shown_with_its_integrations_name_to_its_tenant_alone(world: World):
    invoice = world.sent()
    show = world.bridge.invoices.show

    assert (show(TENANT, invoice.id).invoice, show(TENANT, invoice.id).integration_name) == (
        invoice,
        "Main shop",
    )
    with pytest.raises(InvoiceNotFound):
        show("other", invoice.id)


def test_an_integrations_invoices_are_listed_newest_first_and_by_status(world: World):
    first, second = world.sent(501), world.paid(502)
    list_invoices = ListInvoices(world.store)

    def ids(status: InvoiceStatus | None) -> list[int]:
        page = list_invoices(TENANT, world.integration_id, status, PageRequest())
        return [view.invoice.id for view in page.items]

    assert ids(None) == [second.id, first.id]
    assert ids(InvoiceStatus.PAID) == [second.id]
    assert ids(InvoiceStatus.VOID) == []
    with pytest.raises(IntegrationNotFound):
        list_invoices("other", world.integration_id, None, PageRequest())


def test_an_orders_invoices_are_listed_through_whatever_integration_they_were_sent(world: World):
    first = world.sent(501)
    world.bridge.invoices.void(TENANT, first.id)
    world.connect()
    second = world.send(501).view.invoice
    list_invoices = ListOrderInvoices(world.store)

    assert [view.invoice.id for view in list_invoices(TENANT, 501)] == [second.id, first.id]
    with pytest.raises(SalesOrderNotFound):
        list_invoices("other", 501)


def test_a_tenants_invoices_are_listed_and_found_by_what_stripe_calls_them(world: World):
    first = world.paid(501)
    world.connect()
    second = world.sent(502)
    list_invoices = ListTenantInvoices(world.store)

    def ids(tenant: str = TENANT, **matching: Any) -> list[int]:
        page = list_invoices(tenant, InvoiceFilter(**matching), PageRequest())
        return [view.invoice.id for view in page.items]

    assert ids() == [second.id, first.id]
    assert ids(status=InvoiceStatus.PAID) == [first.id]
    assert ids(stripe_charge_id=first.stripe_charge_id) == [first.id]
    # Each account counts by itself.
    assert first.number == second.number
    assert ids(number=first.number) == [second.id, first.id]
    assert ids(stripe_invoice_id=second.stripe_invoice_id) == [second.id]
    assert ids(updated_since=world.clock.now()) == sorted([first.id, second.id])
    assert ids("other") == []


def test_a_bank_payment_and_what_then_may_be_refunded_are_shown(world: World):
    invoice = world.sent()
    world.stripe.try_payment(world.account_id, invoice.stripe_invoice_id, PaymentProgress.PENDING)
    (payment,) = world.stripe.accounts[world.account_id].payments_of(invoice.stripe_invoice_id)
    processing = {"id": payment.payment_intent_id, "object": "payment_intent", "status": "processing"}
    world.deliver([world.event("payment_intent.processing", processing)])
    show = world.bridge.invoices.show

    (under_way,) = show(TENANT, invoice.id).payments
    assert (under_way.status, under_way.amount, under_way.payment.method) == (
        "pending",
        AMOUNT,
        "us_bank_account",
    )
    assert show(TENANT, invoice.id).refundable == 0
    world.pay(invoice)
    world.deliver()
    world.refund(invoice.id, 2_000)

    (paid,) = show(TENANT, invoice.id).payments
    charge_id = world.invoice(invoice.id).stripe_charge_id
    assert (paid.status, paid.amount, paid.payment.charge_id) == ("paid", AMOUNT, charge_id)
    assert paid.payment.method == "card"
    assert show(TENANT, invoice.id).refundable == AMOUNT - 2_000


def test_an_invoices_activity_is_the_events_about_it_oldest_first_and_no_others(world: World):
    invoice, other = world.paid(501), world.sent(502)
    show_activity = ShowActivity(world.store)

    events = show_activity(TENANT, invoice.id)

    types = [event.event_type for event in events]
    assert {"invoice.paid", "charge.succeeded", "payment_intent.succeeded"} <= set(types)
    assert [event.id for event in events] == sorted(event.id for event in events)
    world.deliver()
    about_other = show_activity(TENANT, other.id)
    assert about_other
    assert not {event.id for event in about_other} & {event.id for event in show_activity(TENANT, invoice.id)}
    with pytest.raises(InvoiceNotFound):
        show_activity("other", invoice.id)

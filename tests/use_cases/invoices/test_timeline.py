import pytest

from stripe_bridge.domain.errors.base import InvoiceNotFound
from stripe_bridge.domain.intent import Operation
from stripe_bridge.ports.stripe.errors import GatewayRefused
from tests.builders import TENANT
from tests.world import World


def timeline(world: World, invoice_id: int | None = None, tenant: str = TENANT):
    return world.bridge.invoices.show_timeline(tenant, invoice_id or world.invoice_id)


def test_an_invoice_has_one_story_of_changes_events_and_calls(world: World):
    invoice = world.paid()
    world.refund(invoice.id, 500)
    shown = timeline(world)
    kinds = {each.type.value for each in shown.changes}
    assert {"invoice.created", "invoice.sent", "invoice.paid", "refund.created"} <= kinds
    assert "invoice.paid" in {each.event_type for each in shown.events}
    operations = {each.operation for each in shown.calls}
    assert {Operation.CREATE_DRAFT, Operation.FINALIZE, Operation.SEND, Operation.REFUND} <= operations
    assert [refund.amount for refund in shown.refunds] == [500]
    assert (shown.view.invoice.id, shown.view.invoice.amount_refunded) == (invoice.id, 500)


def test_what_another_invoice_of_the_order_went_through_is_its_own_story(world: World):
    first = world.sent()
    world.bridge.invoices.void(TENANT, first.id)
    second = world.sent()
    shown = timeline(world, second.id)
    assert "invoice.voided" not in {each.type.value for each in shown.changes}
    assert Operation.VOID not in {each.operation for each in shown.calls}
    assert "invoice.voided" in {each.type.value for each in timeline(world, first.id).changes}


def test_a_refund_that_stripe_refused_is_told(world: World):
    invoice = world.paid()
    world.stripe.fail_next("create_refund", GatewayRefused("no"))
    with pytest.raises(Exception, match="refund"):
        world.refund(invoice.id, 500)
    shown = timeline(world)
    assert [refund.shown_status for refund in shown.refunds] == ["refused"]
    assert "failed" in {each.state.value for each in shown.calls if each.operation is Operation.REFUND}


def test_another_tenants_invoice_is_not_there(world: World):
    world.sent()
    with pytest.raises(InvoiceNotFound):
        timeline(world, tenant="other")

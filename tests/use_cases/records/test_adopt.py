"""An invoice that bears our signature and that no row knows shows that the database was restored."""

from dataclasses import replace

import pytest

from stripe_bridge.domain.errors.base import SalesOrderNotFound
from stripe_bridge.domain.errors.outcomes import InvoiceNotSent, Recovering
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.recovery import HighestIds
from stripe_bridge.ports.stripe.errors import OutcomeUnknown
from tests.fakes.signer import FakeSigner
from tests.fakes.stripe import payloads
from tests.use_cases.restoring import back_up, holds, recover, restore
from tests.world import World


@pytest.fixture
def world() -> World:
    world = World()
    world.connect()
    return world


def test_the_first_event_of_a_lost_invoice_holds_the_tenants_sends(world: World):
    backup = back_up(world)
    lost = world.sent(501)
    events = world.events()
    restore(world, backup)
    world.put_order(502)

    world.deliver(events)

    (hold,) = holds(world)
    assert (hold.account_id, hold.stripe_invoice_id) == (world.account_id, lost.stripe_invoice_id)
    with pytest.raises(Recovering):
        world.send(502)


def test_refunds_are_held_too(world: World):
    paid = world.paid(500)
    backup = back_up(world)
    world.sent(501)
    events = world.events()
    restore(world, backup)
    world.deliver(events)

    with pytest.raises(Recovering):
        world.refund(paid.id, 500)


def test_other_tenants_go_on(world: World):
    backup = back_up(world)
    world.sent(501)
    events = world.events()
    restore(world, backup)
    world.deliver(events)

    world.connect(tenant="another")
    world.put_order(7, tenant="another")

    assert world.send(7, tenant="another").view.invoice.status is InvoiceStatus.OPEN


def test_an_invoice_that_is_known_holds_nothing(world: World):
    world.paid(501)
    assert holds(world) == []


def test_a_send_that_crashed_half_way_is_not_taken_for_a_restore(world: World):
    """Its intent has the reference, though no row has Stripe's id yet."""
    world.put_order(501)
    world.fail("create_draft", OutcomeUnknown("cut"), after_effect=True)
    world.fail("find_invoice", OutcomeUnknown("cut"), times=20)
    with pytest.raises(InvoiceNotSent):
        world.send(501)
    (draft,) = world.at_stripe()
    event = world.event("invoice.updated", payloads.invoice_object(draft))

    world.receive(event)
    world.bridge.webhook_events.apply()

    assert holds(world) == []


@pytest.mark.parametrize("forged", [{"bridge_signature": "0"}, {"bridge_intent": "ref-99"}, {"tenant": "x"}])
def test_a_forged_signature_holds_nothing(world: World, forged: dict[str, str]):
    backup = back_up(world)
    world.sent(501)
    (event,) = (each for each in world.events() if each["type"] == "invoice.finalized")
    event["data"]["object"]["metadata"] |= forged
    restore(world, backup)

    world.deliver([event])

    assert holds(world) == []


def test_a_key_that_is_not_configured_is_noted_and_holds_nothing(world: World):
    backup = back_up(world)
    world.sent(501)
    events = world.events()
    restore(world, backup)
    world.adapters = replace(world.adapters, signer=FakeSigner("key-2"))
    world.restart()

    world.deliver(events)

    assert holds(world) == []
    findings = world.bridge.operations.diagnose()
    assert [each.subject for each in findings if "RETIRED_ENCRYPTION_KEYS" in each.remedy] == ["key key-1"]


def test_a_retired_key_still_proves_what_it_signed(world: World):
    backup = back_up(world)
    lost = world.sent(501)
    restore(world, backup)
    world.adapters = replace(world.adapters, signer=FakeSigner("key-2", "key-1"))
    world.restart()

    assert recover(world).faults == ()
    assert world.invoice(lost.id).stripe_invoice_id == lost.stripe_invoice_id


def test_ids_never_come_twice(world: World):
    backup = back_up(world)
    lost = world.sent(501)
    events = world.events()
    restore(world, backup)
    before = given(world)

    world.deliver(events)

    after = given(world)
    assert after.invoice >= lost.id + 10_000
    assert after.integration >= before.integration + 10_000
    assert after.refund >= before.refund + 10_000
    assert world.add_integration("another") > 10_000


def given(world: World) -> HighestIds:
    with world.store.reading() as work:
        return work.recoveries.given_ids()


def test_an_order_that_was_lost_with_its_invoice_has_to_be_submitted_again(world: World):
    backup = back_up(world)
    lost = world.sent(501)
    restore(world, backup)
    recover(world)

    assert world.invoice(lost.id).status is InvoiceStatus.OPEN
    with pytest.raises(SalesOrderNotFound):
        world.order(501)
    with pytest.raises(SalesOrderNotFound):
        world.send(501)
    assert [each.invoice.id for each in world.bridge.invoices.list_for_order(world.tenant, 501)] == [lost.id]

    assert world.put_order(501).created
    assert world.send(501).view.invoice.id == lost.id


def test_what_is_taken_in_is_as_it_was(world: World):
    backup = back_up(world)
    world.put_order(501)
    lost = world.send(501, amount=5_000).view.invoice
    world.pay(lost)
    world.deliver()
    known = world.invoice(lost.id)
    restore(world, backup)
    recover(world)

    adopted = world.invoice(lost.id)
    assert adopted.status is InvoiceStatus.PAID
    same = (
        "id tenant_id integration_id sales_order_id sales_order_number amount currency customer_email".split()
    )
    same += "status stripe_invoice_id stripe_customer_id stripe_charge_id number amount_paid amount_collected".split()
    same += "days_until_due due_date finalized_at paid_at metadata".split()
    assert {name: getattr(adopted, name) for name in same} == {name: getattr(known, name) for name in same}
    assert world.links(lost.id) >= {str(lost.stripe_invoice_id), str(known.stripe_charge_id)}


def test_a_refund_is_taken_in_under_the_id_that_it_had(world: World):
    paid = world.paid(501)
    backup = back_up(world)
    (refund,) = world.refund(paid.id, 500)
    restore(world, backup)
    recover(world)

    with world.store.reading() as work:
        (found,) = work.refunds.of_invoice(paid.id)
    assert (found.id, found.reference, found.stripe_refund_id) == (
        refund.id,
        refund.reference,
        refund.stripe_refund_id,
    )
    assert world.invoice(paid.id).amount_refunded == 500

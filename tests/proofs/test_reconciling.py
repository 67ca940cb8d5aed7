"""Without any webhook, reconciling alone brings a real store to the emulated Stripe's state."""

from collections.abc import Iterator

import pytest

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.reconciliation import Drift
from tests.contracts.stored import at_once
from tests.proofs.emulated_world import EmulatedWorld, emulated


@pytest.fixture
def world(database_url: str) -> Iterator[EmulatedWorld]:
    store = SqlStore(create_engine(database_url))
    with emulated() as (emulator, clock):
        world = EmulatedWorld(emulator, clock, store)
        world.connect()
        yield world
    store.close()


def test_payments_refunds_and_disputes_come_in_without_webhooks(world: EmulatedWorld):
    paid, refunded, disputed, unpaid = (world.sent(501 + number) for number in range(4))
    for invoice in (paid, refunded, disputed):
        world.pay(invoice)
    charges = {each["payment_intent"]: each["id"] for each in world.control.objects("charges")}
    by_invoice = {
        each["invoice"]: charges[each["payment"]["payment_intent"]]
        for each in world.control.objects("invoice_payments")
        if each["status"] == "paid"
    }
    world.control.refund(by_invoice[refunded.stripe_invoice_id], 500)
    dispute = world.control.dispute(by_invoice[disputed.stripe_invoice_id])

    report = world.bridge.reconciliation.reconcile(world.integration_id)
    world.work_off()

    assert report.is_complete
    assert report.drift[Drift.INVOICE_DIFFERS] == 3
    assert [world.invoice(each.id).status for each in (paid, refunded, disputed, unpaid)] == [
        InvoiceStatus.PAID,
        InvoiceStatus.PAID,
        InvoiceStatus.PAID,
        InvoiceStatus.OPEN,
    ]
    assert world.invoice(refunded.id).amount_refunded == 500
    assert world.invoice(disputed.id).dispute_status == dispute["status"]
    again = world.bridge.reconciliation.reconcile(world.integration_id)
    assert not any(again.drift.values())


def test_what_the_bank_decides_later_is_found_by_the_sweep_alone(world: EmulatedWorld):
    invoice = world.sent()
    world.pay(invoice)
    charge = world.control.objects("charges")[-1]["id"]
    dispute = world.control.dispute(charge)
    world.bridge.reconciliation.reconcile(world.integration_id)
    world.work_off()
    world.control.change_dispute(dispute["id"], "lost")

    report = world.bridge.reconciliation.reconcile(world.integration_id)

    assert report.drift[Drift.DISPUTE_DIFFERS] == 1
    assert world.invoice(invoice.id).dispute_status == "lost"


def test_of_simultaneous_workers_one_reconciles(world: EmulatedWorld):
    outcomes = at_once(6, lambda _: world.bridge.reconciliation.reconcile_due())

    assert sorted(map(str, outcomes)) == ["0"] * 5 + ["1"]


def test_a_revoked_account_is_left(world: EmulatedWorld):
    world.control.revoke(world.account_id)

    assert world.bridge.reconciliation.reconcile(world.integration_id).disconnected

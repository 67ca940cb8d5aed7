import inspect
from dataclasses import replace
from datetime import timedelta
from typing import get_type_hints

import pytest

from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.recovery import RecoveryHold
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.use_cases.webhook_events.dry_run import DryRun, NotInDryRun
from tests.builders import TENANT, a_dispute, a_payment, a_refund, a_sales_order
from tests.world import World


@pytest.fixture
def invoice(world: World) -> Invoice:
    return world.paid()


def test_it_cannot_be_committed(world: World):
    with world.store.reading() as view, pytest.raises(NotInDryRun):
        DryRun(view).as_unit_of_work.commit()


def test_what_is_written_is_seen_by_whoever_reads_after_it_and_stored_nowhere(world: World, invoice: Invoice):
    before = world.store.committed
    account_id = invoice.stripe_account_id
    refund = a_refund(invoice_id=invoice.id, account_id=account_id, stripe_refund_id="re_9", reference="r9")
    dispute = a_dispute(invoice_id=invoice.id, account_id=account_id, stripe_id="dp_9")
    payment = a_payment(
        invoice_id=invoice.id, account_id=account_id, stripe_id="inpay_9", payment_intent_id="pi_9"
    )
    with world.store.reading() as view:
        work = DryRun(view)
        locked = work.invoices.lock(invoice.id)
        assert locked is not None
        saved = work.invoices.save(replace(locked, status=InvoiceStatus.VOID))
        added = work.refunds.add(refund)
        work.disputes.put(dispute)
        work.payments.put(payment)
        work.links.add(account_id, invoice.id, ["ch_9"])

        assert work.invoices.find(invoice.id) == saved
        assert work.refunds.find_by_stripe_id(account_id, "re_9") == added
        assert work.refunds.find_by_reference("r9") == added
        assert work.refunds.of_invoice(invoice.id)[0] == added
        assert work.disputes.find(account_id, "dp_9") == work.disputes.of_invoice(invoice.id)[0] == dispute
        assert work.payments.find(account_id, "pi_9") == payment
        assert work.links.find_invoice_id(account_id, "ch_9") == invoice.id
        assert {type(each.after).__name__ for each in work.changes()} == {
            "Invoice",
            "Refund",
            "Dispute",
            "Payment",
        }
    assert world.store.committed is before


def test_a_new_refund_uses_up_no_id(world: World, invoice: Invoice):
    with world.store.reading() as view:
        added = DryRun(view).refunds.add(a_refund(invoice_id=invoice.id))

    assert added.id < 0
    (made,) = world.refund(invoice.id, 100)
    assert made.id == 1


def test_what_is_written_after_a_beginning_can_be_undone(world: World, invoice: Invoice):
    with world.store.reading() as view:
        work = DryRun(view)
        work.begin()
        kept = work.refunds.add(a_refund(invoice_id=invoice.id, stripe_refund_id="re_kept"))
        work.begin()
        work.refunds.add(a_refund(invoice_id=invoice.id, stripe_refund_id="re_undone"))

        work.undo()

        assert work.refunds.of_invoice(invoice.id) == [kept]


def test_nobodys_sends_are_held_by_it_but_that_they_would_be_is_noted(world: World, invoice: Invoice):
    hold = RecoveryHold(
        tenant_id=TENANT, account_id="acct_9", held_at=world.clock.now(), stripe_invoice_id="in_9"
    )
    before = world.store.committed
    with world.store.reading() as view:
        work = DryRun(view)

        assert not work.recoveries.hold(hold)
        assert not work.recoveries.hold(replace(hold, held_at=hold.held_at + timedelta(seconds=1)))

        assert list(work.holds.values()) == [hold]
    assert world.store.committed is before


def methods(kind: type) -> dict[str, inspect.Signature]:
    found = inspect.getmembers(kind, inspect.isfunction)
    return {name: inspect.signature(method) for name, method in found if not name.startswith("_")}


def test_a_repository_of_which_something_is_held_tells_what_is_held_or_refuses(world: World):
    with world.store.reading() as view:
        work = DryRun(view)
        ports = get_type_hints(UnitOfWork)
        for name in ports.keys() & vars(work).keys():
            port, part = methods(ports[name]), getattr(work, name)
            own = methods(type(part))

            assert own == {each: port.get(each) for each in own}
            assert part.stored <= port.keys() - own.keys()
            for each in port.keys() - own.keys() - part.stored:
                with pytest.raises(NotInDryRun):
                    getattr(part, each)


def test_everything_else_is_the_snapshots_which_refuses_to_be_written(world: World):
    with world.store.reading() as view:
        work = DryRun(view).as_unit_of_work

        assert work.sales_orders is view.sales_orders
        with pytest.raises(AssertionError):
            work.sales_orders.save(a_sales_order())

"""What every store promises about the ends of logs: an order's last change, and that another history may begin."""

from dataclasses import replace

from stripe_bridge.domain.changes.history import is_earlier, is_name_of_log
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.builders import TENANT
from tests.contracts.stored import stored_invoice


def test_the_last_change_of_an_order_may_be_its_invoices(store: Store):
    invoice = stored_invoice(store)
    with store.writing() as work:
        work.invoices.find(invoice.id)
        work.invoices.save(replace(invoice, status=InvoiceStatus.OPEN, number="A-1"))
        work.commit()
    with store.reading() as work:
        head = work.changes.head(TENANT)
        assert head is not None
        order_id = invoice.sales_order_id
        assert work.changes.last_of_order(TENANT, order_id) == head.sequence
        assert work.changes.last_of_order("other", order_id) is None
        assert work.changes.last_of_order(TENANT, order_id + 1) is None


def test_another_history_has_another_name_and_numbers_go_on(store: Store):
    stored_invoice(store)
    with store.reading() as work:
        before = work.changes.head(TENANT)
    with store.writing() as work:
        work.changes.begin_log(TENANT)
        work.commit()
    with store.reading() as work:
        after = work.changes.head(TENANT)
    assert before is not None
    assert after is not None
    assert is_name_of_log(before.log)
    assert is_name_of_log(after.log)
    assert is_earlier(before.log, after.log)
    assert after == replace(before, log=after.log)


def test_where_nothing_was_recorded_no_history_begins(store: Store):
    with store.writing() as work:
        work.changes.begin_log("nobody")
        work.commit()
    with store.reading() as work:
        assert work.changes.head("nobody") is None


def test_no_type_at_all_matches_nothing(store: Store):
    """As when a viewer asks for acts alone."""
    stored_invoice(store)
    with store.reading() as work:
        assert work.changes.page(TENANT, 0, 100, types=frozenset()) == []

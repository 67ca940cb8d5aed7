"""A link to pay that has expired at Stripe is replaced when the invoice is shown."""

from dataclasses import replace
from datetime import timedelta

from tests.journeys.combinations import POSTGRES_REDIS, SQLITE, on
from tests.journeys.people import Erp, browser
from tests.journeys.stack import Stack

pytestmark = on(SQLITE, POSTGRES_REDIS)
DAYS = timedelta(days=1)


def test_the_customer_pays_by_a_new_link_after_the_old_one_expired(stack: Stack, erp: Erp):
    integration = erp.connect()
    erp.new_order()
    sent = erp.sent(integration)
    stack.control.advance_clock(61 * 24 * 3600)
    with stack.store.writing() as work:
        # The service's own clock cannot be moved: it is the links that are older.
        stored = work.invoices.get(erp.tenant, sent["id"], lock=True)
        assert stored.due_date is not None
        work.invoices.save(
            replace(stored, links_made_at=stored.created_at - 61 * DAYS, due_date=stored.due_date - 61 * DAYS)
        )
        work.commit()

    with browser() as customer:
        assert customer.get(sent["hosted_invoice_url"]).status_code == 410
        shown = erp.invoice(sent)
        assert shown["hosted_invoice_url_expires_at"] > sent["created_at"]
        assert shown["hosted_invoice_url"] != sent["hosted_invoice_url"]
        assert customer.get(shown["invoice_pdf"]).status_code == 200
        customer.post(shown["hosted_invoice_url"], data={"outcome": "succeed"}).raise_for_status()
    erp.invoice_with(sent, status="paid")

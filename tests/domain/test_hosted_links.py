"""How long the links to an invoice work."""

from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.domain.hosted_links import links_expire_at
from tests.builders import NOW, a_stripe_invoice, an_invoice

DAYS = timedelta(days=1)


@pytest.mark.parametrize(
    ("due_in", "expire_in"), [(30, 60), (0, 30), (90, 120), (91, 120), (3650, 120), (-15, 15), (-400, 10)]
)
def test_links_expire_thirty_days_after_the_due_date_within_ten_to_a_hundred_and_twenty_days(
    due_in: int, expire_in: int
):
    assert links_expire_at(NOW, NOW + due_in * DAYS) == NOW + expire_in * DAYS


def test_links_that_were_stored_without_the_time_are_as_old_as_the_finalized_invoice():
    finalized = a_stripe_invoice(finalized_at=NOW - DAYS, due_date=NOW + 300 * DAYS)
    opened = an_invoice().observe(finalized, NOW)
    assert opened.hosted_invoice_url_expires_at == NOW + 120 * DAYS
    stored_before = replace(opened, links_made_at=None)
    assert stored_before.hosted_invoice_url_expires_at == NOW + 119 * DAYS


def test_an_invoice_without_links_has_none_that_expire():
    assert an_invoice().hosted_invoice_url_expires_at is None
    assert not an_invoice().links_end_soon(NOW + 1000 * DAYS)


def test_links_end_soon_in_their_last_seven_days_and_renewed_ones_do_not():
    invoice = an_invoice().observe(a_stripe_invoice(), NOW)
    assert not invoice.links_end_soon(NOW + 53 * DAYS)
    later = NOW + 53 * DAYS + timedelta(seconds=1)
    assert invoice.links_end_soon(later)
    renewed = invoice.renew_links(a_stripe_invoice(hosted_invoice_url="https://invoice.example/anew"), later)
    assert (renewed.hosted_invoice_url, renewed.updated_at) == ("https://invoice.example/anew", later)
    # Ten days: the due date is long past.
    assert renewed.hosted_invoice_url_expires_at == later + 10 * DAYS


def test_stripe_is_asked_again_for_links_only_after_an_hour():
    invoice = an_invoice().observe(a_stripe_invoice(), NOW)
    later = NOW + 59 * DAYS
    assert invoice.may_ask_for_links(later)
    asked = invoice.ask_for_links(later)
    assert not asked.may_ask_for_links(later + timedelta(minutes=59))
    assert asked.may_ask_for_links(later + timedelta(minutes=60))
    assert asked.updated_at == invoice.updated_at


def test_links_in_an_event_are_as_old_as_the_event_and_replace_no_younger_ones():
    opened = an_invoice().observe(a_stripe_invoice(), NOW, event_at=NOW - 20 * DAYS)
    assert opened.links_made_at == NOW - 20 * DAYS
    renewed = opened.renew_links(a_stripe_invoice(hosted_invoice_url="https://invoice.example/anew"), NOW)
    late = a_stripe_invoice(amount_remaining=1)
    after = renewed.observe(late, NOW, event_at=NOW - DAYS)
    assert after.amount_remaining == 1
    assert after.hosted_invoice_url == "https://invoice.example/anew"
    assert after.links_made_at == NOW

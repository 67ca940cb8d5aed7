"""Invoices, orders and integrations in the console, in a browser: what finance people do there."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.console import People, at, signed_in
from tests.browser.host import Stack


@pytest.mark.parametrize("javascript", [True, False])
def test_an_invoice_is_found_and_a_part_of_it_refunded(people: People, stack: Stack, javascript: bool):
    order = stack.paid()
    page = people.page(java_script_enabled=javascript)
    page.goto(stack.console)
    if not javascript:
        page.get_by_label("Link").fill(stack.console)
    page.get_by_role("button", name="Sign in").click()
    page.goto(at(stack, "/invoices"))
    page.get_by_label("Search").fill(str(order))
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("rowheader").get_by_role("link").click()
    page.get_by_role("link", name="Refund").click()
    expect(page.get_by_label("Amount in EUR")).to_have_value("120.00")
    page.get_by_label("Amount in EUR").fill("20.00")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("main")).to_contain_text("back to jenny@example.com")
    page.get_by_role("button", name="Refund 20.00 EUR").click()
    expect(page.get_by_role("status")).to_contain_text("20.00 EUR of Invoice")
    expect(page.get_by_role("main")).to_contain_text("May be refunded")
    assert stack.invoices(order)[0]["amount_refunded"] == 2_000


def test_an_invoice_is_sent_from_its_order_and_voided(people: People, stack: Stack):
    order = stack.new_order()
    page = signed_in(people.page(), stack)
    page.goto(at(stack, f"/orders/{order}"))
    page.get_by_role("link", name="Send an invoice").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Send 120.00 EUR").click()
    expect(page.get_by_role("status")).to_contain_text("is sent to jenny@example.com.")
    page.get_by_role("link", name="Void").click()
    page.get_by_role("button", name="Void for good").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("void")
    assert stack.invoices(order)[0]["status"] == "void"


def test_an_account_is_connected_from_the_console(people: People, stack: Stack):
    page = signed_in(people.page(), stack)
    page.goto(at(stack, "/integrations"))
    page.get_by_role("link", name="Add an integration").click()
    page.get_by_label("Name").fill("Second shop")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("button", name="Create the link").click()
    page.get_by_role("link", name="Continue to Stripe").click()
    page.get_by_role("button", name="Approve").click()
    page.wait_for_url(re.compile("/oauth/callback"))
    page.goto(at(stack, "/integrations"))
    row = page.get_by_role("row").filter(has_text="Second shop")
    expect(row).to_contain_text("active")

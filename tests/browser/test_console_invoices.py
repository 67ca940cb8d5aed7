"""Invoices, orders and integrations in the console, in a browser: what finance people do there."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.host import Stack
from tests.browser.test_console import NARROW, People, at, signed_in


@pytest.fixture
def visitors(browser: Browser) -> Iterator[People]:
    people = People(browser)
    yield people
    people.leave()


def pages_of(stack: Stack) -> list[str]:
    """One of each kind, in each of its states."""
    paid, sent, new = stack.paid(), stack.new_order(), stack.new_order()
    stack.send(sent)
    invoice, unpaid = stack.invoices(paid)[0]["id"], stack.invoices(sent)[0]["id"]
    found = [f"/orders/{each}" for each in (paid, sent, new)]
    found += [f"/orders/{new}/send", f"/orders/{new}/send&integration={stack.integration}&amount=5.00"]
    found += [f"/invoices/{each}" for each in (invoice, unpaid)]
    found += [f"/invoices/{unpaid}/{act}" for act in ("void", "send-again")]
    found += [f"/invoices/{invoice}/refund", f"/invoices/{invoice}/refund&amount=5.00"]
    found += ["/invoices&q=NOBODY", "/orders&q=NOBODY", "/integrations/new"]
    found += [f"/integrations/{stack.integration}{act}" for act in ("", "/connect", "/disconnect")]
    return found


def go(page: Page, stack: Stack, path: str) -> None:
    path, _, query = path.partition("&")
    page.goto(f"{at(stack, path)}&{query}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_what_is_about_money(visitors: People, stack: Stack, scheme: str):
    # What looks at a page writes styles into it.
    page = signed_in(visitors.page(color_scheme=scheme, bypass_csp=True), stack)
    narrow = signed_in(visitors.page(viewport={"width": NARROW, "height": 640}), stack)
    faults = {}
    for path in pages_of(stack):
        go(page, stack, path)
        found = Axe().run(page)
        if found.violations_count:
            faults[path] = found.generate_report()
        go(narrow, stack, path)
        if narrow.evaluate("document.documentElement.scrollWidth") > NARROW:
            faults[path] = "It scrolls sideways."
    assert faults == {}


@pytest.mark.parametrize("javascript", [True, False])
def test_an_invoice_is_found_and_a_part_of_it_refunded(visitors: People, stack: Stack, javascript: bool):
    order = stack.paid()
    page = visitors.page(java_script_enabled=javascript)
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
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("main")).to_contain_text("back to jenny@example.com")
    page.get_by_role("button", name="Refund 20.00 EUR").click()
    expect(page.get_by_role("status")).to_contain_text("20.00 EUR of Invoice")
    expect(page.get_by_role("main")).to_contain_text("May be refunded")
    assert stack.invoices(order)[0]["amount_refunded"] == 2_000


def test_an_invoice_is_sent_from_its_order_and_voided(visitors: People, stack: Stack):
    order = stack.new_order()
    page = signed_in(visitors.page(), stack)
    page.goto(at(stack, f"/orders/{order}"))
    page.get_by_role("link", name="Send an invoice").click()
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Send 120.00 EUR").click()
    expect(page.get_by_role("status")).to_contain_text("is sent to jenny@example.com.")
    page.get_by_role("link", name="Void").click()
    page.get_by_role("button", name="Void for good").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("void")
    assert stack.invoices(order)[0]["status"] == "void"


def test_an_account_is_connected_from_the_console(visitors: People, stack: Stack):
    page = signed_in(visitors.page(), stack)
    page.goto(at(stack, "/integrations"))
    page.get_by_role("link", name="Add an integration").click()
    page.get_by_label("Name").fill("Second shop")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("button", name="Make the link").click()
    page.get_by_role("link", name="Go on to Stripe").click()
    page.get_by_role("button", name="Approve").click()
    page.wait_for_url(re.compile("/oauth/callback"))
    page.goto(at(stack, "/integrations"))
    row = page.get_by_role("row").filter(has_text="Second shop")
    expect(row).to_contain_text("active")

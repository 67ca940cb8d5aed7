"""What people come to the console for, from its beginning to its end, in a browser."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.console import People, at, signed_in
from tests.browser.host import TENANT, Stack
from tests.waiting import wait_until

# News come every five seconds.
WITHIN = 30_000


@pytest.fixture(autouse=True)
def patient() -> Iterator[None]:
    expect.set_options(timeout=WITHIN)
    yield
    expect.set_options(timeout=5_000)


def link_for(stack: Stack, role: str) -> str:
    return stack.command("console", "link", "--tenant", TENANT, "--role", role, "--name", "Jane").strip()


def sign_out_elsewhere(page: Page, people: People) -> None:
    """What the page's browser has stays there, and opens nothing any more."""
    other = people.page()
    other.context.add_cookies(page.context.cookies())  # type: ignore[arg-type]  # what it gives, it takes
    other.goto(page.url)
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_role("button", name="Sign in")).to_be_visible()


def never_reloads(page: Page) -> None:
    page.evaluate("window.isTheSame = true")


def is_not_reloaded(page: Page) -> bool:
    return bool(page.evaluate("window.isTheSame === true"))


def test_a_merchant_is_connected_and_what_is_sent_to_a_customer_turns_paid_without_a_reload(
    people: People, stack: Stack
):
    page = signed_in(people.page(), stack)
    page.goto(at(stack, "/integrations/new"))
    page.get_by_label("Name").fill("Journey furniture")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("button", name="Create the link").click()
    page.get_by_role("link", name="Continue to Stripe").click()
    page.get_by_role("button", name="Approve").click()
    page.wait_for_url(re.compile("/oauth/callback"))
    order = stack.new_order()
    page.goto(at(stack, f"/orders/{order}/send"))
    page.get_by_label("Integration").select_option(label="Journey furniture")
    page.get_by_label("Amount in EUR").fill("99.50")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("main")).to_contain_text("Journey furniture")
    page.get_by_role("button", name="Send 99.50 EUR").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("open")
    never_reloads(page)
    page.get_by_role("link", name="Void").focus()
    stack.pay(order)
    expect(heading).to_contain_text("paid")
    expect(page.get_by_role("link", name="Refund")).to_be_visible()
    expect(page.get_by_role("link", name="Void")).to_have_count(0)
    assert is_not_reloaded(page)


def test_news_leave_the_keyboard_where_it_was(people: People, stack: Stack):
    order = stack.new_order()
    stack.send(order)
    (invoice,) = stack.invoices(order)
    page = signed_in(people.page(), stack)
    page.goto(at(stack, f"/invoices/{invoice['id']}"))
    name = page.get_by_role("main").get_by_role("link", name=f"SO-{order}", exact=True)
    name.focus()
    stack.pay(order)
    expect(page.get_by_role("heading", level=1)).to_contain_text("paid")
    expect(name).to_be_focused()


def test_events_are_applied_again_only_after_seeing_what_that_would_do(people: People, stack: Stack):
    paid = stack.invoices(stack.paid())[0]["stripe_invoice_id"]
    page = signed_in(people.page(), stack)
    page.goto(at(stack, "/events"))
    page.get_by_label("About").fill(paid)
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name="Replay these").click()
    expect(page.get_by_role("heading", name="What would change")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("what these events say is already known here")
    planned = page.get_by_role("region", name="Events").get_by_role("row").count() - 1
    page.get_by_role("button", name=re.compile("^Apply (it|them) again$")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"^Replay \d+$"))
    progress = page.locator("#progress")
    expect(progress).to_contain_text("completed")
    expect(progress).to_contain_text(re.compile(rf"processed\s+{planned}\b"))
    page.get_by_role("link", name="All replays").click()
    expect(page.get_by_role("row").nth(1)).to_contain_text(f"{planned} of {planned}")


def test_who_may_only_read_is_offered_no_act_and_told_so_at_its_address(people: People, stack: Stack):
    order = stack.paid()
    (invoice,) = stack.invoices(order)
    page = signed_in(people.page(), stack, link_for(stack, "viewer"))
    page.goto(f"{stack.service}/console/invoices/{invoice['id']}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("paid")
    for act in ("Refund", "Void", "Send again"):
        expect(page.get_by_role("link", name=act)).to_have_count(0)
    expect(page.get_by_role("link", name="Tokens")).to_have_count(0)
    answer = page.goto(f"{stack.service}/console/invoices/{invoice['id']}/refund")
    assert answer is not None
    assert answer.status == 403
    expect(page.get_by_role("heading", level=1)).to_have_text("You may not do this")
    expect(page.get_by_role("main")).to_contain_text("Your role")
    assert stack.invoices(order)[0]["amount_refunded"] == 0


def test_who_is_signed_out_while_filling_in_a_form_is_told_that_nothing_was_done_and_comes_back_to_it(
    people: People, stack: Stack
):
    order = stack.paid()
    page = signed_in(people.page(), stack)
    form = at(stack, f"/invoices/{stack.invoices(order)[0]['id']}/refund")
    page.goto(form)
    page.get_by_label("Amount in EUR").fill("7.00")
    page.get_by_role("button", name="Continue").click()
    sign_out_elsewhere(page, people)
    page.get_by_role("button", name="Refund 7.00 EUR").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are no longer signed in")
    expect(page.get_by_role("main")).to_contain_text("Nothing was done.")
    page.get_by_role("link", name="Sign in").click()
    expect(page.get_by_role("status")).to_contain_text("You are not signed in")
    page.get_by_label("Link").fill(stack.console)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Amount in EUR")).to_have_value("120.00")
    assert page.url == form
    assert stack.invoices(order)[0]["amount_refunded"] == 0


def test_an_open_page_leads_to_signing_in_once_its_session_has_ended(people: People, stack: Stack):
    (invoice,) = stack.invoices(stack.paid())
    page = signed_in(people.page(), stack)
    page.goto(at(stack, f"/invoices/{invoice['id']}"))
    sign_out_elsewhere(page, people)
    page.wait_for_url(re.compile("/console/sign-in"))
    expect(page.get_by_role("status")).to_contain_text("You are not signed in")


def test_without_javascript_an_invoice_is_sent_paid_and_refunded(people: People, stack: Stack):
    order = stack.new_order()
    page = signed_in(people.page(java_script_enabled=False), stack)
    page.goto(at(stack, f"/orders/{order}"))
    page.get_by_role("link", name="Send an invoice").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Send 120.00 EUR").click()
    stack.pay(order)
    wait_until(lambda: stack.invoices(order)[0]["refundable_in_cents"] > 0)
    page.reload()
    page.get_by_role("link", name="Refund").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Refund 120.00 EUR").click()
    expect(page.get_by_role("status")).to_contain_text("120.00 EUR of Invoice")
    assert stack.invoices(order)[0]["amount_refunded"] == 12_000


def test_by_keyboard_alone_an_invoice_is_sent_and_voided(people: People, stack: Stack):
    order = stack.new_order()
    page = signed_in(people.page(), stack)
    page.goto(at(stack, f"/orders/{order}"))

    def press(role: str, name: str) -> None:
        wanted = page.get_by_role(role, name=name)  # type: ignore[arg-type]  # Playwright lists all roles
        expect(wanted).to_be_visible()
        for _ in range(60):
            page.keyboard.press("Tab")
            if wanted.evaluate("node => node === document.activeElement"):
                break
        expect(wanted).to_be_focused()
        page.keyboard.press("Enter")

    press("link", "Send an invoice")
    press("button", "Continue")
    press("button", "Send 120.00 EUR")
    press("link", "Void")
    press("button", "Void for good")
    expect(page.get_by_role("heading", level=1)).to_contain_text("void")
    assert stack.invoices(order)[0]["status"] == "void"

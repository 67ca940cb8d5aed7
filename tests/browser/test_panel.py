"""The panel as people use it, in a browser."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.host import ORIGIN, badge, button
from tests.waiting import wait_until

WITHIN = 6_000


@pytest.fixture(autouse=True)
def patient():
    expect.set_options(timeout=WITHIN)


def assert_accessible(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def heard(page: Page) -> list[str]:
    names: list[str] = page.evaluate("heard.map(([name]) => name)")
    return names


def send(page: Page) -> None:
    button(page, "Send invoice").click()
    button(page.get_by_role("dialog"), "Send invoice").click()


def test_an_invoice_is_sent_and_turns_paid_without_a_reload(host, stack):
    order = stack.new_order()
    page = host.open(order)
    expect(page.get_by_text("No invoice yet.")).to_be_visible()
    assert_accessible(page)
    button(page, "Send invoice").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Stripe emails Jenny Rosen at jenny@example.com an invoice for €120.00")
    assert_accessible(page)
    button(dialog, "Send invoice").click()
    expect(badge(page)).to_have_text("Open")
    expect(page.get_by_role("status")).to_have_text("The invoice for €120.00 was sent to jenny@example.com.")
    expect(dialog).to_have_count(0)
    assert_accessible(page)
    stack.pay(order)
    expect(badge(page)).to_have_text("Paid")
    expect(page.get_by_text("Nothing outstanding")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("is paid")
    assert_accessible(page)
    assert heard(page) == ["sb-invoice-sent"]


def test_a_part_is_refunded(host, stack):
    order = stack.paid()
    page = host.open(order)
    button(page, "Refund").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Amount (EUR)").fill("20.50")
    expect(dialog).to_contain_text("Jenny Rosen gets €20.50 back")
    expect(dialog).to_contain_text("At most €120.00 can be refunded.")
    assert_accessible(page)
    button(dialog, "Refund").click()
    expect(badge(page)).to_have_text("Partly refunded")
    expect(page.get_by_text("-€20.50")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("€20.50 was refunded.")
    assert stack.invoices(order)[0]["amount_refunded"] == 2050
    assert heard(page) == ["sb-invoice-refunded"]


@pytest.mark.parametrize("typed", ["", "0", "abc", "120.01", "1.234", "-5"])
def test_what_is_no_amount_is_not_refunded(host, stack, typed):
    page = host.open(stack.paid())
    button(page, "Refund").click()
    dialog = page.get_by_role("dialog")
    amount = dialog.get_by_label("Amount (EUR)")
    amount.fill(typed)
    button(dialog, "Refund").click()
    expect(dialog.get_by_text("Enter an amount from €0.01 to €120.00.")).to_be_visible()
    expect(amount).to_be_focused()
    assert_accessible(page)


def test_an_invoice_is_voided(host, stack):
    order = stack.new_order()
    stack.send(order)
    page = host.open(order)
    button(page, "Void").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("€120.00")
    expect(dialog).to_contain_text("Jenny Rosen can no longer pay it. This cannot be undone")
    button(dialog, "Void").click()
    expect(badge(page)).to_have_text("Void")
    expect(button(page, "Send invoice")).to_be_visible()
    assert stack.invoices(order)[0]["status"] == "void"
    assert_accessible(page)


def test_a_refusal_is_a_sentence_with_what_support_needs(host, stack):
    order = stack.new_order()
    stack.send(order)
    page = host.open(order)
    button(page, "Send again").click()
    button(page.get_by_role("dialog"), "Send again").click()
    error = page.get_by_role("alert")
    expect(error).to_contain_text("The invoice was emailed less than a minute ago.")
    assert_accessible(page)
    button(error, "Copy for support").click()
    expect(button(error, "Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    for fact in ("Time: 2", "Status: 409", "InvoiceSentRecently", "Request id: ", "Stripe Bridge version: "):
        assert fact in copied
    assert heard(page) == ["sb-error"]


def test_a_bank_debit_is_under_way_and_then_fails_without_a_reload(host, stack):
    order = stack.new_order()
    at_stripe = f"invoices/{stack.send(order)['stripe_invoice_id']}"
    page = host.open(order)
    expect(badge(page)).to_have_text("Open")
    stack.at_stripe(f"{at_stripe}/pay", outcome="processing")
    expect(badge(page)).to_have_text("Bank payment under way")
    expect(page.locator("[part=payments]")).to_contain_text("Payment under way")
    assert_accessible(page)
    stack.at_stripe(f"{at_stripe}/settle-processing", outcome="fail")
    expect(badge(page)).to_have_text("Open")
    expect(page.locator("[part=payments]")).to_contain_text("Payment failed")
    expect(button(page, "Send again")).to_be_visible()
    assert_accessible(page)


def test_a_dispute_shows_when_it_comes_and_when_it_is_lost_the_order_owes_again(host, stack):
    order = stack.paid()
    page = host.open(order)
    expect(button(page, "Refund")).to_be_visible()
    dispute = stack.at_stripe(f"charges/{stack.invoices(order)[0]['stripe_charge_id']}/dispute")
    moves = page.locator("[part=payments]")
    expect(moves).to_contain_text("Dispute")
    expect(moves).to_contain_text("-€120.00")
    # What the bank has taken back cannot be given back once more.
    expect(button(page, "Refund")).to_have_count(0)
    assert_accessible(page)
    stack.at_stripe(f"disputes/{dispute['id']}", status="lost")
    expect(moves).to_contain_text("Dispute lost")
    expect(page.locator("[part=owed]")).to_contain_text("€120.00")
    assert_accessible(page)


def test_the_pay_link_is_copied(host, stack):
    order = stack.new_order()
    invoice = stack.send(order)
    page = host.open(order)
    button(page, "Copy pay link").click()
    expect(page.get_by_role("status")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == invoice["hosted_invoice_url"]


def test_a_session_that_ended_is_renewed_and_the_click_is_one_request(host, stack):
    order = stack.paid()
    page = host.open(order)
    expect(badge(page)).to_have_text("Paid")
    bad = {"Authorization": "Bearer sbp_ended"}
    seen: list[str | None] = []

    def lose_first_answer(route):
        """The refund is made, and the session is over before its answer arrives."""
        seen.append(route.request.headers.get("idempotency-key"))
        if len(seen) == 1:
            assert route.fetch().status == 201
            route.continue_(headers={**route.request.headers, **bad})
        else:
            route.continue_()

    page.route("**/refunds", lose_first_answer)
    button(page, "Refund").click()
    page.get_by_role("dialog").get_by_label("Amount (EUR)").fill("5")
    button(page.get_by_role("dialog"), "Refund").click()
    # The news of the refund comes before its answer.
    expect(page.get_by_role("status")).to_have_text("€5.00 was refunded.")
    assert host.sessions == 2
    assert (len(seen), len(set(seen))) == (2, 1)
    assert stack.invoices(order)[0]["amount_refunded"] == 500
    assert "sb-session-expired" in heard(page)


def test_a_session_that_ended_and_is_not_renewed_is_said_and_what_was_shown_stays(host, stack):
    page = host.open(stack.paid())
    expect(badge(page)).to_have_text("Paid")
    host.gives_sessions = False
    ended = {"authorization": "Bearer sbp_ended"}
    page.route("**/refunds", lambda route: route.continue_(headers={**route.request.headers, **ended}))
    button(page, "Refund").click()
    button(page.get_by_role("dialog"), "Refund").click()
    expect(page.get_by_role("alert")).to_contain_text("This page got no access to the order")
    expect(badge(page)).to_have_text("Paid")
    assert_accessible(page)


def test_without_a_session_the_panel_says_so_and_offers_another_try(host, stack):
    host.gives_sessions = False
    page = host.open(stack.new_order())
    expect(page.get_by_role("alert")).to_contain_text("This page got no access to the order")
    assert_accessible(page)
    host.gives_sessions = True
    button(page, "Try again").click()
    expect(page.get_by_text("No invoice yet.")).to_be_visible()


def test_a_page_that_never_says_how_to_get_a_session_is_told(host, stack):
    page = host.open(stack.new_order())
    page.evaluate("document.querySelector('stripe-invoices').fetchSession = undefined")
    expect(page.get_by_role("alert")).to_contain_text("This page got no access")


def test_a_session_can_be_offered_before_and_after_the_element_is_known(host, stack):
    page = host.open(stack.new_order())
    page.evaluate(
        """() => {
            const before = document.querySelector("stripe-invoices");
            const after = before.cloneNode();
            before.replaceWith(after);
            setTimeout(() => (after.fetchSession = fetchSession), 200);
        }"""
    )
    expect(page.get_by_text("No invoice yet.")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_who_may_only_read_is_offered_nothing_else(host, stack):
    host.role = "viewer"
    page = host.open(stack.paid())
    expect(badge(page)).to_have_text("Paid")
    expect(button(page, "Refund")).to_have_count(0)
    assert_accessible(page)


def test_what_is_forbidden_meanwhile_is_said(host, stack):
    page = host.open(stack.paid())
    expect(badge(page)).to_have_text("Paid")
    host.role = "viewer"
    weaker = host.new_session(stack.new_order())
    page.route(
        "**/refunds",
        lambda route: route.continue_(headers={**route.request.headers, "authorization": f"Bearer {weaker}"}),
    )
    button(page, "Refund").click()
    button(page.get_by_role("dialog"), "Refund").click()
    expect(page.get_by_role("alert")).to_contain_text("You are not allowed to do that here.")
    assert_accessible(page)


def test_too_many_requests_are_said(host, stack):
    page = host.open(stack.paid())
    expect(badge(page)).to_have_text("Paid")
    allowed = {"Access-Control-Allow-Origin": ORIGIN, "Access-Control-Expose-Headers": "Retry-After"}
    page.route(
        "**/refunds", lambda route: route.fulfill(status=429, headers={**allowed, "Retry-After": "17"})
    )
    button(page, "Refund").click()
    button(page.get_by_role("dialog"), "Refund").click()
    expect(page.get_by_role("alert")).to_contain_text("Try again in 17 seconds.")
    assert_accessible(page)


def test_offline_is_said_and_ends_by_itself(host, stack):
    page = host.open(stack.new_order())
    expect(page.get_by_text("No invoice yet.")).to_be_visible()
    host.context.set_offline(True)
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
    expect(page.get_by_text("No invoice yet.")).to_be_visible()
    assert_accessible(page)
    host.context.set_offline(False)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_double_click_sends_one_invoice(host, stack):
    order = stack.new_order()
    page = host.open(order)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    button(page, "Send invoice").click()
    button(page.get_by_role("dialog"), "Send invoice").dblclick()
    expect(badge(page)).to_have_text("Open")
    assert len([url for url in asked if url.endswith("/api/panel/invoices")]) == 1
    assert len(stack.invoices(order)) == 1


def test_everything_is_done_by_keyboard_and_focus_stays_where_it_was(host, stack):
    order = stack.paid()
    page = host.open(order)
    refund = button(page, "Refund")
    expect(refund).to_be_visible()
    while not refund.evaluate("node => node === node.getRootNode().activeElement"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Amount (EUR)")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(refund).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("1.00")
    page.keyboard.press("Enter")
    expect(badge(page)).to_have_text("Partly refunded")
    expect(refund).to_be_focused()


def test_news_leave_the_focus_where_it_is(host, stack):
    order = stack.new_order()
    stack.send(order)
    page = host.open(order)
    timeline = page.locator("summary")
    timeline.focus()
    stack.pay(order)
    expect(badge(page)).to_have_text("Paid")
    expect(timeline).to_be_focused()


@pytest.mark.parametrize(
    "how",
    [
        {"theme": "dark"},
        {"dir": "rtl"},
        {"lang": "de"},
        {"lang": "fr"},
        {"lang": "es", "theme": "dark", "dir": "rtl"},
    ],
    ids=lambda how: "-".join(how.values()),
)
def test_every_look_is_accessible_and_fits_320_pixels(host, stack, how):
    order = stack.paid()
    page = host.context.new_page()
    page.set_viewport_size({"width": 320, "height": 640})
    host.open(order, into=page, **how)
    expect(badge(page)).to_be_visible()
    page.locator("summary").click()
    assert_accessible(page)
    page.locator("[part~=refund]").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_accessible(page)
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1]


def test_in_german_words_amounts_and_decimal_commas_are_german(host, stack):
    order = stack.paid()
    page = host.open(order, lang="de")
    expect(badge(page)).to_have_text("Bezahlt")
    expect(page.locator("[part=amount]").first).to_have_text(re.compile(r"120,00\s€"))
    button(page, "Erstatten").click()
    page.get_by_label("Betrag (EUR)").fill("2,50")
    button(page.get_by_role("dialog"), "Erstatten").click()
    expect(badge(page)).to_have_text("Teilweise erstattet")
    assert stack.invoices(order)[0]["amount_refunded"] == 250


def test_text_that_looks_like_html_is_text(host, stack):
    bad = "<img src=x onerror=alert(1)>"
    customer = {"id": 1, "name": bad, "email": "jenny@example.com"}
    order = stack.new_order(number=bad, customer=customer)
    page = host.open(order)
    button(page, "Send invoice").click()
    expect(page.get_by_role("dialog")).to_contain_text(bad)
    assert page.locator("img").count() == 0


def test_in_a_frame_an_invoice_is_sent_and_the_page_hears_of_it(host, stack):
    order = stack.new_order()
    page = host.open(order, frame=True)
    frame = page.frame_locator("iframe")
    button(frame, "Send invoice").click()
    button(frame.get_by_role("dialog"), "Send invoice").click()
    expect(badge(frame)).to_have_text("Open")
    wait_until(lambda: {"sb-session-request", "sb-height", "sb-event"} <= set(heard(page)))
    stack.pay(order)
    expect(badge(frame)).to_have_text("Paid")
    assert_accessible(page)


def test_a_frame_refuses_a_session_of_another_origin(host, stack):
    page = host.open(stack.paid(), frame=True, origin="https://other.example.com")
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("alert")).to_contain_text("This page got no access")
    expect(badge(frame)).to_have_count(0)


def test_no_other_page_may_show_the_frame(host, stack):
    page = host.context.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    other = "http://other.localhost:9124/"
    url = f"{stack.service}/embed/v1/frame?origin={ORIGIN}&sales_order_id=1"
    page.route(
        other, lambda route: route.fulfill(body=f'<iframe src="{url}"></iframe>', content_type="text/html")
    )
    page.goto(other)
    wait_until(lambda: page.wait_for_timeout(20) or any("frame-ancestors" in text for text in refused))


def test_with_eight_tabs_a_click_does_not_wait_for_those_that_wait(host, stack):
    order = stack.new_order()
    stack.send(order)
    pages = [host.open(order) for _ in range(8)]
    waiting: set[object] = set()
    most = [0]

    def begins(request):
        if "wait=" in request.url:
            waiting.add(request)
            most[0] = max(most[0], len(waiting))

    def ends(request):
        waiting.discard(request)

    for page in pages:
        page.on("request", begins)
        page.on("requestfinished", ends)
        page.on("requestfailed", ends)
        expect(badge(page)).to_have_text("Open")
    first = pages[0]
    button(first, "Void").click()
    button(first.get_by_role("dialog"), "Void").click()
    for page in pages:
        expect(badge(page)).to_have_text("Void")
    assert most[0] <= 2

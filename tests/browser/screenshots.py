"""Takes the pictures of docs/screenshots: `make screenshots`."""

import os
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from stripe_bridge_playground.erp import Shop, serving
from stripe_bridge_playground.seed import ORDERS
from stripe_bridge_playground.settings import reserved_port
from tests.browser.conftest import FLAGS, NO_BROWSER, find_browser
from tests.browser.console import at, signed_in
from tests.browser.host import Stack, badge, button, started

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
WIDE = ViewportSize(width=1200, height=640)
DESK = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)


def main() -> None:
    executable = find_browser()
    if executable is None:
        sys.exit(NO_BROWSER)
    FOLDER.mkdir(exist_ok=True)
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with (
        tempfile.TemporaryDirectory() as folder,
        started(Path(folder)) as stack,
        sync_playwright() as playwright,
    ):
        port = reserved_port()
        tokens = {role: erp.token for role, erp in stack.erps.items()}
        shop = Shop(stack.service, f"http://127.0.0.1:{port}", tokens, ORDERS)
        browser = playwright.chromium.launch(executable_path=executable, args=[*FLAGS, *as_root])
        with serving(port, shop):
            context = browser.new_context(viewport=WIDE, device_scale_factor=2)
            _submit(stack)
            take_all(context, stack, shop.origin)
            take_console(browser, stack)
        browser.close()


def _submit(stack: Stack) -> None:
    for order_id, order in ORDERS.items():
        body = order | {"updated_at": "2026-11-23T10:00:00Z"}
        stack.erps["power_user"].call("PUT", f"/api/sales-orders/{order_id}", body, expected=201)


def take_all(context: BrowserContext, stack: Stack, origin: str) -> None:
    page = context.new_page()
    page.goto(f"{origin}/?order=1001")
    expect(button(page, "Send invoice")).to_be_visible()
    _take(page, "empty")
    button(page, "Send invoice").click()
    _take(page, "send")
    button(page.get_by_role("dialog"), "Send invoice").click()
    expect(badge(page)).to_have_text("Open")
    _take(page, "open")
    stack.pay(1001)
    expect(badge(page)).to_have_text("Paid")
    expect(button(page, "Refund")).to_be_visible()
    _take(page, "paid")
    button(page, "Refund").click()
    page.get_by_label("Amount (USD)").fill("30.00")
    _take(page, "refund")
    button(page.get_by_role("dialog"), "Refund").click()
    expect(badge(page)).to_have_text("Partly refunded")
    page.goto(f"{origin}/?order=1001&theme=dark&lang=de")
    page.get_by_text("Verlauf").click()
    _take(page, "dark-german")
    page.set_viewport_size(PHONE)
    page.goto(f"{origin}/?order=1001&dir=rtl")
    badge(page).scroll_into_view_if_needed()
    _take(page, "phone-right-to-left")


def take_console(browser: Browser, stack: Stack) -> None:
    """With what the panel has left behind."""
    (invoice,) = stack.invoices(1001)
    # It has to be looked at on a page of text, where more points would only make the files large.
    page = signed_in(browser.new_context(viewport=DESK).new_page(), stack)

    def take(name: str, path: str, **query: str) -> None:
        page.goto(at(stack, path, **query))
        page.wait_for_load_state("networkidle")
        _take(page, f"console-{name}")

    take("overview", "/overview")
    take("invoice", f"/invoices/{invoice['id']}")
    take("replay", "/events/replay", related_object_id=invoice["stripe_invoice_id"])
    take("changes", "/changes")
    page.emulate_media(color_scheme="dark")
    take("dark", f"/invoices/{invoice['id']}")
    page.set_viewport_size(PHONE)
    take("phone", "/overview")
    page.context.close()


def _take(page: Page, name: str) -> None:
    page.mouse.move(0, 0)
    page.screenshot(path=FOLDER / f"{name}.png", animations="disabled")


if __name__ == "__main__":
    main()

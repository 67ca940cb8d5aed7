"""The console in a browser: signing in, acting, with and without JavaScript, for every eye and screen."""

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from stripe_bridge.adapters.console.pages import all_routes
from stripe_bridge.adapters.console.pages.start import show_start
from tests.adapters.console.scene import QUERIES
from tests.browser.host import Stack

TENANT = "demo"
GETS = [route for route in all_routes() if route.method == "GET" and route is not show_start]
NARROW = 320


@pytest.fixture(scope="module")
def pages(stack: Stack) -> list[str]:
    """Of all kinds, each with something on it."""
    order = stack.paid()
    (invoice,) = stack.invoices(order)
    admin = stack.erps["admin"]
    body = {"url": "http://127.0.0.1:9/changes", "enabled": False}
    ids = {
        "call_id": 1,
        "event_id": 1,
        "integration_id": stack.integration,
        "invoice_id": invoice["id"],
        "request_id": "unknown",
        "sales_order_id": order,
        "sequence": 1,
        "subscriber_id": admin.call("POST", "/api/subscribers", body, expected=201)["data"]["id"],
        "token_id": 1,
    }
    found = []
    for route in GETS:
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda name: str(ids[name[1]]), route.path)
        query = urlencode({"tenant": TENANT, **QUERIES.get(route.id, {})})
        found.append(f"/console{path}?{query}")
    return found


@pytest.fixture
def people(browser: Browser) -> Iterator["People"]:
    people = People(browser)
    yield people
    people.leave()


class People:
    """Browsers of different people. Nothing that the policy forbids may be tried in any of them."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.errors: list[str] = []

    def page(self, **options: object) -> Page:
        context = self._browser.new_context(**options)  # type: ignore[arg-type]  # Playwright's own names
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self._note(message.type, message.text))
        return page

    def _note(self, kind: str, text: str) -> None:
        # A page that answers 404 is one of those that are looked at.
        if kind in ("error", "warning") and "status of 404" not in text:
            self.errors.append(text)

    def leave(self) -> None:
        for context in self._contexts:
            context.close()
        assert self.errors == []


def signed_in(page: Page, stack: Stack) -> Page:
    page.goto(stack.console)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile("/console/(?!sign-in)"))
    return page


def at(stack: Stack, path: str) -> str:
    return f"{stack.service}/console{path}?tenant={TENANT}"


def test_one_button_signs_in_and_the_token_stays_nowhere(people: People, stack: Stack):
    page = people.page()
    page.goto(stack.console)
    expect(page.get_by_label("Link")).to_be_hidden()
    assert page.url == f"{stack.service}/console/sign-in"
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    token = stack.console.partition("#")[2]
    kept = page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert token not in kept
    assert page.evaluate("document.cookie") == ""
    page.go_back()
    assert token not in page.url
    assert token not in page.content()


def test_signing_out_ends_it(people: People, stack: Stack):
    page = signed_in(people.page(), stack)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Stripe Bridge console")).to_be_visible()
    page.goto(at(stack, "/tokens"))
    assert "/console/sign-in" in page.url


@pytest.mark.parametrize("javascript", [True, False])
def test_a_token_is_created_and_revoked_with_and_without_javascript(
    people: People, stack: Stack, javascript: bool
):
    page = people.page(java_script_enabled=javascript)
    page.goto(stack.console)
    if not javascript:
        page.get_by_label("Link").fill(stack.console)
    page.get_by_role("button", name="Sign in").click()
    page.goto(at(stack, "/tokens/new"))
    page.get_by_label("Role").select_option("viewer")
    page.get_by_label("Label").fill("a <b>label</b>")
    page.get_by_role("button", name="Create").click()
    expect(page.locator("#token")).to_have_text(re.compile("^sbt_"))
    expect(page.get_by_role("button", name="Copy")).to_be_visible(visible=javascript)
    (number,) = re.findall(r"Token (\d+) is created", page.inner_text("h1"))
    page.get_by_role("link", name="All tokens").click()
    row = page.get_by_role("row").filter(has_text="a <b>label</b>").first
    row.get_by_role("link", name=f"Revoke token {number}").click()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("status")).to_have_text(f"Token {number} of {TENANT} is revoked.")
    page.reload()
    expect(page.get_by_role("status")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_every_page(people: People, stack: Stack, pages: list[str], scheme: str):
    # What looks at a page writes styles into it.
    page = signed_in(people.page(color_scheme=scheme, bypass_csp=True), stack)
    faults = {}
    for path in ("/", "/console/sign-in", "/console/nothing", *pages):
        page.goto(f"{stack.service}{path}")
        found = Axe().run(page)
        if found.violations_count:
            faults[path] = found.generate_report()
    assert faults == {}


def test_no_page_scrolls_sideways_on_a_small_screen(people: People, stack: Stack, pages: list[str]):
    page = signed_in(people.page(viewport={"width": NARROW, "height": 640}), stack)
    wide = []
    for path in pages:
        page.goto(f"{stack.service}{path}")
        if page.evaluate("document.documentElement.scrollWidth") > NARROW:
            wide.append(path)
    assert wide == []


def test_the_keyboard_alone_is_enough_to_sign_in_and_to_get_to_a_page(people: People, stack: Stack):
    page = people.page()
    page.goto(stack.console)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Sign in")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the page")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.url.endswith("#page")

"""Every page of the console, in each of its states: for every eye, and on a small screen."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

from stripe_bridge.adapters.console.pages import all_routes
from stripe_bridge.adapters.console.pages.start import show_start
from stripe_bridge_playground.client import Erp, Json
from stripe_bridge_playground.faults import Fault
from tests.adapters.console.scene import QUERIES
from tests.browser.console import NARROW, People, at, signed_in
from tests.browser.host import Stack
from tests.waiting import wait_until

GETS = [route for route in all_routes() if route.method == "GET" and route is not show_start]
DESK, PHONE = ViewportSize(width=1280, height=800), ViewportSize(width=NARROW, height=640)
# The light has been looked at as a whole before; in the dark only the colors are others.
IN_THE_DARK = "async () => (await axe.run(document, {runOnly: ['color-contrast']})).violations"


def pages_of(page: Page, stack: Stack) -> Iterator[str]:
    """One of each kind with something on it, then those that have more states than one."""
    paid, sent, new = stack.paid(), stack.new_order(), stack.new_order()
    stack.send(sent)
    invoice, unpaid = stack.invoices(paid)[0]["id"], stack.invoices(sent)[0]["id"]
    ids = _ids(stack) | {
        "invoice_id": invoice,
        "sales_order_id": new,
        "call_id": _linked(page, at(stack, f"/invoices/{invoice}"), "/console/calls/"),
        "token_id": _linked(page, at(stack, "/tokens"), "/console/tokens/"),
    }
    for route in GETS:
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda name: str(ids[name[1]]), route.path)
        yield at(stack, path, **QUERIES.get(route.id, {}))
    for order in (paid, sent):
        yield at(stack, f"/orders/{order}")
    yield at(stack, f"/orders/{new}/send", integration=stack.integration, amount="5.00")
    for act in ("", "/void", "/send-again"):
        yield at(stack, f"/invoices/{unpaid}{act}")
    yield at(stack, f"/invoices/{invoice}/refund", amount="5.00")
    yield at(stack, "/events/replay", status="processed")
    for path in ("/invoices", "/orders"):
        yield at(stack, path, q="NOBODY")


def _ids(stack: Stack) -> Json:
    admin, body = stack.erps["admin"], {"url": "http://127.0.0.1:9/changes", "enabled": False}
    (event, *_) = admin.call("GET", "/api/stripe/webhook-events", expected=200)["data"]
    (change, *_) = admin.call("GET", "/api/changes?type=invoice.sent", expected=200)["data"]
    return {
        "event_id": event["id"],
        "integration_id": stack.integration,
        "replay_id": wait_until(lambda: _replay(admin, event["id"])),
        "request_id": change["cause"]["request_id"],
        "sequence": change["sequence"],
        "subscriber_id": admin.call("POST", "/api/subscribers", body, expected=201)["data"]["id"],
    }


def _replay(admin: Erp, event_id: int) -> int | None:
    """The replay of an event; None if, since it was planned, what Stripe still sends has changed something."""
    asked: Json = {"filter": {"ids": [event_id]}}
    path = "/api/stripe/webhook-events/replay"
    plan = admin.call("POST", path, asked, expected=200)["data"]
    try:
        begun = admin.call("POST", path, {**asked, "dry_run": False, "digest": plan["digest"]}, expected=202)
    except Fault as fault:
        if "ReplayPlanOutdated" in str(fault):
            return None
        raise
    return int(begun["data"]["id"])


def _linked(page: Page, address: str, path: str) -> int:
    """The first id that the page leads to."""
    page.goto(address)
    (found, *_) = re.findall(rf"{path}(\d+)", page.content())
    return int(found)


def faults_of(page: Page) -> list[str]:
    found = Axe().run(page)
    faults = [found.generate_report()] if found.violations_count else []
    page.emulate_media(color_scheme="dark")
    faults += [f"In the dark: {fault}" for fault in page.evaluate(IN_THE_DARK)]
    page.set_viewport_size(PHONE)
    width = page.evaluate("document.documentElement.scrollWidth")
    if width > NARROW:
        faults.append(f"It scrolls sideways: {width} > {NARROW}")
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="light")
    return faults


def test_everybody_can_use_every_page(people: People, stack: Stack):
    # What looks at a page writes styles into it.
    page = signed_in(people.page(viewport=DESK, bypass_csp=True), stack)
    faults: dict[str, object] = {}
    for address in (f"{stack.service}/", f"{stack.service}/console/sign-in", *pages_of(page, stack)):
        answer = page.goto(address)
        assert answer is not None
        found = faults_of(page) if answer.status == 200 else [f"It answered {answer.status}."]
        if found:
            faults[address] = found
    assert faults == {}


@pytest.mark.parametrize("path", ["/console/nothing", "/console/invoices?tenant=demo&cursor=x"])
def test_everybody_can_use_what_says_what_went_wrong(people: People, stack: Stack, path: str):
    page = signed_in(people.page(viewport=DESK, bypass_csp=True), stack)
    answer = page.goto(f"{stack.service}{path}")
    assert answer is not None
    assert answer.status in (404, 422)
    assert faults_of(page) == []

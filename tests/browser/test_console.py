"""Signing in to the console and out, and acting there, with and without JavaScript."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.console import People, at, signed_in
from tests.browser.host import TENANT, Stack


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
    (number,) = re.findall(r"Token (\d+) created", page.inner_text("h1"))
    page.get_by_role("link", name="All tokens").click()
    row = page.get_by_role("row").filter(has_text="a <b>label</b>").first
    row.get_by_role("link", name=f"Revoke token {number}").click()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("status")).to_have_text(f"Token {number} of {TENANT} is revoked.")
    page.reload()
    expect(page.get_by_role("status")).to_have_count(0)


def test_the_keyboard_alone_is_enough_to_sign_in_and_to_get_to_a_page(people: People, stack: Stack):
    page = people.page()
    page.goto(stack.console)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Sign in")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.url.endswith("#page")

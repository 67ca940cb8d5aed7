"""The console's visitors: signed in or not, in browsers of their own."""

import re
from urllib.parse import urlencode

from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.host import TENANT, Stack

NARROW = 320
# A page that answers so is one of those that are looked at.
_EXPECTED = re.compile("status of (401|403|404|422)")


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
        if kind in ("error", "warning") and not _EXPECTED.search(text):
            self.errors.append(text)

    def leave(self) -> None:
        for context in self._contexts:
            context.close()
        assert self.errors == [], self.errors


def signed_in(page: Page, stack: Stack, link: str | None = None) -> Page:
    """With a link of one's own; else as an operator."""
    page.goto(link or stack.console)
    by_hand = page.get_by_label("Link")
    if by_hand.is_visible():
        by_hand.fill(link or stack.console)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile("/console/(?!sign-in)"))
    return page


def at(stack: Stack, path: str, **query: object) -> str:
    return f"{stack.service}/console{path}?{urlencode({'tenant': TENANT, **query})}"

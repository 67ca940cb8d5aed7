"""Somebody with a browser in front of the console, over the real bridge with a store in memory."""

import re
from html import unescape
from typing import Any

from werkzeug.test import TestResponse

from stripe_bridge.adapters.console import ConsoleOptions, add_console
from stripe_bridge.adapters.console.cookies import cookie_name, csrf_token
from stripe_bridge.domain.access import Role
from stripe_bridge.use_cases.access.console_links import CreateConsoleLinkCommand
from tests.adapters.web.world import World


class ConsoleWorld(World):
    """The service with its console. `visitor` is somebody who is signed in."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        add_console(self.app, self.bridge, ConsoleOptions(now=self.clock.now))
        # Those of `ask` know how the API answers.
        self.app.test_client_class = None

    def link(self, tenant: str | None = "acme", role: Role | None = Role.ADMIN, name: str = "jane") -> str:
        """The secret of a new link."""
        command = CreateConsoleLinkCommand(name=name, tenant_id=tenant, role=None if tenant is None else role)
        url: str = self.bridge.access.create_console_link(command).url
        return url.partition("#")[2]

    def visitor(self, role: Role = Role.ADMIN, tenant: str = "acme", name: str = "jane") -> "Browser":
        # A tenant comes into existence with its first token.
        self.token(Role.ADMIN, tenant)
        return Browser(self).sign_in(self.link(tenant, role, name))

    def operator(self, name: str = "olga") -> "Browser":
        return Browser(self).sign_in(self.link(None, None, name))


class Browser:
    """One person's, with its own cookies. It follows no redirects by itself."""

    def __init__(self, world: ConsoleWorld) -> None:
        self.client = world.app.test_client()

    def sign_in(self, secret: str, **query: str) -> "Browser":
        answer = self.post("/console/sign-in", {"token": secret}, query=query, form="/console/sign-in")
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return self

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.client.get(path, query_string=query or None)

    def post(
        self, path: str, fields: dict[str, Any] | None = None, *, form: str, query: Any = None
    ) -> TestResponse:
        """Fill in the form on the page `form`, and send it to `path`."""
        return self.client.post(path, data={**self.hidden(form), **(fields or {})}, query_string=query)

    def token(self) -> str:
        """What every form of this browser's session has."""
        return csrf_token(self.cookie())

    def cookie(self) -> str:
        name = cookie_name(self.client.application.config["PUBLIC_URL"])
        found = self.client.get_cookie(name)
        return "" if found is None else found.value

    def keep(self, cookie: str) -> None:
        """Keep another browser's cookie, and so its session."""
        self.client.set_cookie(cookie_name(self.client.application.config["PUBLIC_URL"]), cookie)

    def hidden(self, page: str, **query: Any) -> dict[str, str]:
        """What the page's own form is sent with; the first one on a page may be that for signing out."""
        shown = self.get(page, **query).get_data(as_text=True)
        forms = re.findall(r'<form[^>]* method="post".*?</form>', shown, flags=re.DOTALL)
        assert forms, f"{page} has no form"
        found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', forms[-1])
        return {name: unescape(value) for name, value in found}

    def follow(self, answer: TestResponse) -> str:
        """What the page says that a form led to."""
        assert answer.status_code == 303, text_of(answer)
        return text_of(self.get(answer.headers["Location"]))

    def csrf(self, page: str) -> str:
        return self.hidden(page)["csrf"]


def text_of(answer: TestResponse) -> str:
    """What a person reads on the page: without tags, in one line."""
    page = re.sub(
        r"<script.*?</script>|<style.*?</style>", " ", answer.get_data(as_text=True), flags=re.DOTALL
    )
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())

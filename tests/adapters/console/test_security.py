"""What pages let happen to those who look at them."""

import hashlib
import re
import shlex
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from stripe_bridge.adapters import console
from stripe_bridge.domain.access import Role
from tests.adapters.console.browser import Browser, ConsoleWorld, text_of
from tests.adapters.console.scene import HOSTILE, OWNER, ROUTES, a_scene

PACKAGE = Path(console.__file__).parent
TEMPLATES = sorted((PACKAGE / "templates").rglob("*.html"))
PAGES = sorted(name for name, route in ROUTES.items() if route.method == "GET")
# Elements that load or run something, or send something elsewhere. None of ours has a value from outside in them.
ACTIVE = {
    "script",
    "img",
    "iframe",
    "object",
    "embed",
    "link",
    "style",
    "base",
    "video",
    "audio",
    "svg",
    "form",
}


class Inspection(HTMLParser):
    """Everything on a page that could run, or lead elsewhere."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self._raw = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        for name, value in attributes:
            if name.startswith("on") or name == "style" or name in ("hx-on", "hx-vals", "srcdoc"):
                self.faults.append(f"{tag} {name}")
            if name in ("href", "src", "action", "hx-get", "hx-post") and not self._is_good(tag, value or ""):
                self.faults.append(f"{tag} {name}={value}")
        if tag in ("img", "iframe", "object", "embed", "base", "style"):
            self.faults.append(tag)
        self._raw = tag if tag == "script" and "src" not in given else ""

    def handle_data(self, data: str) -> None:
        if self._raw and data.strip():
            self.faults.append(f"inline script {data}")

    @staticmethod
    def _is_good(tag: str, address: str) -> bool:
        url = urlsplit(address)
        is_ours = not url.scheme and not url.netloc and address.startswith(("/console", "#"))
        return is_ours or (tag == "a" and url.scheme == "https")


@pytest.fixture(scope="module")
def scene():
    return a_scene()


def test_the_inspection_finds_what_it_is_for():
    page = (
        f"<p>{HOSTILE}</p><a href='javascript:alert(1)'>x</a><b style='x'>x</b><a href='//evil.example'>x</a>"
    )
    faults = Inspection(page).faults
    assert {"img onerror", "img", "inline script alert(2)", "b style"} <= set(faults)
    assert {"a href=javascript:alert(1)", "a href=//evil.example"} <= set(faults)


@pytest.mark.parametrize("name", PAGES)
def test_nothing_that_somebody_wrote_runs_on_a_page(scene, name):
    for browser in (scene.world.operator(HOSTILE), scene.world.visitor(Role.ADMIN, OWNER, HOSTILE)):
        for tenant in (None, OWNER):
            answer = scene.ask(browser, ROUTES[name], tenant=tenant)
            assert Inspection(answer.get_data(as_text=True)).faults == []


def test_what_somebody_wrote_is_shown_as_it_was_written(scene):
    assert HOSTILE in text_of(scene.world.operator().get("/console/tokens"))
    assert "49" not in text_of(scene.world.operator().get("/console/tokens"))


@pytest.mark.parametrize("where", ["path", "query", "next", "form"])
def test_nothing_that_is_in_a_request_runs_on_the_page_that_answers_it(scene, where):
    browser = scene.world.visitor()
    answer = {
        "path": lambda: browser.get(f"/console/{HOSTILE}"),
        "query": lambda: browser.get("/console/tokens", tenant=HOSTILE),
        "next": lambda: Browser(scene.world).get("/console/sign-in", next=f"/console/{HOSTILE}"),
        "form": lambda: browser.post("/console/tokens", {"role": HOSTILE}, form="/console/tokens/new"),
    }[where]()
    assert Inspection(answer.get_data(as_text=True)).faults == []


@pytest.mark.parametrize(
    "path",
    ["/console", "/console/sign-in", "/console/tokens", "/console/nothing", "/console/static/console.css"],
)
@pytest.mark.parametrize("is_signed_in", [True, False])
def test_every_answer_is_framed_nowhere_cached_nowhere_and_runs_our_scripts_alone(scene, path, is_signed_in):
    browser = scene.world.operator() if is_signed_in else Browser(scene.world)
    answer = browser.get(path)
    answer.close()
    headers = answer.headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    if "static" not in path:
        assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", TEMPLATES, ids=[str(path.relative_to(PACKAGE)) for path in TEMPLATES])
def test_no_template_says_that_a_value_is_safe_or_brings_its_own_script_or_style(path):
    text = path.read_text()
    assert not re.search(r"\|\s*(safe|tojson|forceescape)\b|autoescape|Markup", text)
    assert not re.search(
        r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son\w+=|hx-on|javascript:", text, re.IGNORECASE
    )


def test_no_view_says_that_a_value_is_safe():
    for path in PACKAGE.rglob("*.py"):
        assert not re.search(r"\bMarkup\b|render_template_string|autoescape", path.read_text()), path


def test_every_form_that_is_posted_has_the_sessions_token():
    for path in TEMPLATES:
        for form in re.findall(
            r"<form[^>]*method=\"post\".*?</form>", path.read_text(), re.DOTALL | re.IGNORECASE
        ):
            assert "csrf" in form, path


def test_htmx_is_the_one_that_its_source_names():
    folder = PACKAGE / "static" / "htmx"
    source = (folder / "SOURCE.txt").read_text()
    (named,) = re.findall(r"sha256\s+([0-9a-f]{64})", source)
    assert hashlib.sha256((folder / "htmx.min.js").read_bytes()).hexdigest() == named


def test_a_form_that_is_too_long_is_refused(scene):
    jane = scene.world.visitor()
    answer = jane.client.post("/console/tokens", data={"csrf": jane.token(), "label": "x" * 100_000})
    assert answer.status_code == 413


def test_the_message_after_a_redirect_is_from_this_session_alone(scene):
    jane, mallory = scene.world.visitor(), scene.world.visitor(name="mallory")
    path = f"/console/tokens/{scene.ids['token_id']}/revoke"
    mallory.post(path, form="/console/tokens/new")
    notice = mallory.client.get_cookie("stripe_bridge_console_notice")
    jane.client.set_cookie("stripe_bridge_console_notice", notice.value)
    assert "is revoked." not in text_of(jane.get("/console/tokens"))
    assert "is revoked." in text_of(mallory.get("/console/tokens"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_in_every_command_a_name_is_written_for_the_shell(path):
    """A tenant's name is whatever an identity provider says, and commands are there to be copied."""
    for said in re.findall(r"ui\.command\((.*)\) *}}", path.read_text()):
        for name in re.findall(r"(?<!if )visit\.tenant(?:_id)?\b[^,) ]*|trace\.request_id[^,) ]*", said):
            assert "|shell" in name, said


def test_a_command_that_is_copied_runs_nothing_that_a_tenants_name_says():
    world, tenant = ConsoleWorld(), "x; touch /tmp/pwned; echo '$(id)`id`\n"
    pages = (
        "integrations integrations/new subscribers subscribers/new tokens/new calls changes changes/verify"
    )
    visitor = world.visitor(tenant=tenant)
    for page in f"{pages} events invoices orders events/replay".split():
        shown = visitor.get(f"/console/{page}").get_data(as_text=True)
        (command,) = re.findall(r'<code id="command-\d+">([^<]*)</code>', shown)
        words = shlex.split(unescape(command))
        assert words[words.index("--tenant") + 1] == tenant, page

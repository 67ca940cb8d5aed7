"""The page at /docs, which asks for a token to try things, and what is at /."""

import hashlib
import re
from pathlib import Path

import pytest

from stripe_bridge.adapters.web import docs
from tests.adapters.web.world import World, problem

FILES = Path(docs.__file__).parent / "static" / "docs"
CHROMIUM = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


def file_of(world, name):
    with world.client.get(f"/docs/{name}") as answer:
        assert answer.status_code == 200
        return answer.get_data(as_text=True)


def test_the_page_needs_nothing_from_elsewhere(world):
    page = world.client.get("/docs").get_data(as_text=True)
    assert "http" not in page
    assets = re.findall(r'(?:src|href)="(docs/[^"]+)"', page)
    assert len(assets) == 4
    for asset in assets:
        with world.client.get(f"/{asset}") as answer:
            assert answer.status_code == 200
    assert 'url: "openapi.json"' in file_of(world, "start.js")
    problem(world.client.get("/docs/../problems.py"), 404)
    problem(world.client.get("/docs/scalar/../../../problems.py"), 404)


def test_the_page_runs_only_scripts_of_ours_and_compiles_none(world):
    policy = world.client.get("/docs").headers["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["connect-src"] == "'self'"


def test_the_page_keeps_no_token_beyond_the_tab_and_removes_one_that_was_kept(world):
    script = file_of(world, "start.js")
    assert "persistAuth: false" in script
    assert 'localStorage.removeItem("authorized")' in script


def test_the_page_asks_no_other_host_for_fonts_help_or_measurements(world):
    script = file_of(world, "start.js")
    for setting in ("withDefaultFonts: false", "telemetry: false", "agent: { disabled: true }"):
        assert setting in script


def test_scalar_is_the_file_that_its_publisher_released():
    source = (FILES / "scalar" / "SOURCE.txt").read_text()
    (digest,) = re.findall(r"^sha256 +([0-9a-f]{64})$", source, flags=re.MULTILINE)
    assert hashlib.sha256((FILES / "scalar" / "standalone.js").read_bytes()).hexdigest() == digest
    assert (FILES / "scalar" / "LICENSE.txt").read_text().startswith("MIT License")


@pytest.mark.parametrize("public_url", ["https://bridge.test", "https://erp.test/bridge"])
def test_people_get_from_the_root_to_the_pages_and_programs_learn_where_to_read_on(public_url):
    base = public_url.removeprefix("https://").partition("/")[1:]
    world, path = World(public_url=public_url), "".join(base)
    person = world.client.get("/", headers={"Accept": CHROMIUM})
    page = person.get_data(as_text=True)
    assert (person.status_code, person.mimetype) == (200, "text/html")
    assert set(re.findall(r'<a [^>]*href="([^"]+)"', page)) == {f"{path}/console", f"{path}/docs"}
    for accept in ("*/*", "application/json", None):
        program = world.client.get("/", headers={} if accept is None else {"Accept": accept})
        assert program.status_code == 200
        told = program.get_json()
        assert told["name"] == "Stripe Bridge"
        assert told["openapi"] == f"{path}/openapi.json"
        for name in ("docs", "openapi", "health", "readiness"):
            assert world.client.get(told[name].removeprefix(path)).status_code == 200
        assert program.headers["Vary"] == person.headers["Vary"] == "Accept"


@pytest.mark.parametrize("path", ["/", "/api/stripe/oauth/callback?state=x&code=y"])
def test_small_pages_have_the_styles_that_all_pages_share_and_none_of_their_own(world, path):
    page = world.client.get(path, headers={"Accept": CHROMIUM})
    text = page.get_data(as_text=True)
    assert "<style" not in text
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    for asset in re.findall(r'<link [^>]*href="([^"]+)"', text):
        with world.client.get(asset) as answer:
            assert answer.status_code == 200


def test_no_style_of_ours_comes_from_elsewhere():
    for path in Path(docs.__file__).parents[1].rglob("static/**/*.css"):
        assert not re.search(r"https?:|//[a-z]", path.read_text()), path

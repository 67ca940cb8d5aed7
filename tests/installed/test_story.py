"""With nothing but the wheel, in an empty folder: from the first command to a paid invoice."""

import json
import re
import signal
import subprocess
from contextlib import ExitStack
from html import unescape
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from stripe_bridge_playground.settings import Settings, reserved_port
from stripe_bridge_playground.stack import Stack
from stripe_bridge_playground.story import play
from tests.servers.processes import spawn, stop
from tests.waiting import wait_until

pytestmark = pytest.mark.slow
ASSET = re.compile(r"""(?:\ssrc|<link[^>]*\shref)=["']([^"'#]+)["']|url\(["']?([^"')]+)""")
LINK = re.compile(r"""<a\s[^>]*href=["']([^"'#]+)["']""")
# A library's code is full of addresses that are none; modules beside a page name one another by relative ones.
MODULE = re.compile(r"""\b(?:from|import) ?["'](\.{1,2}/[^"']+\.js)["']""")
FRAME = "/embed/v1/frame?origin=https%3A%2F%2Ferp.example.com&sales_order_id=1001"


class Operator:
    """Types commands in a folder, in which `.env` has the settings."""

    def __init__(self, installed, folder):
        self._installed, self.folder = installed, folder
        self._running = ExitStack()

    def runs(self, command):
        name, *arguments = command.split()
        return subprocess.run(
            [self._installed.script(name), *arguments],
            cwd=self.folder,
            env=self._installed.environ(self.folder),
            capture_output=True,
            text=True,
        )

    def shown(self, command):
        done = self.runs(command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def starts(self, command, *, until):
        """Leave it running once it has written this; returns its log."""
        name, *arguments = command.split()
        log = self.folder.parent / f"{name}-{'-'.join(arguments[:1])}.log"
        process = spawn(
            [self._installed.script(name), *arguments],
            log=log,
            env=self._installed.environ(self.folder),
            cwd=self.folder,
        )
        self._running.callback(stop, process, signal.SIGTERM)
        wait_until(lambda: process.poll() is not None or until in log.read_text())
        assert process.poll() is None, log.read_text()
        return log

    def goes_home(self):
        self._running.close()


@pytest.fixture
def operator(installed, empty):
    operator = Operator(installed, empty)
    yield operator
    operator.goes_home()


def settings(operator, *, service, emulator, redis_url):
    return "\n".join(
        [
            f"PUBLIC_URL={service}",
            "STRIPE_SECRET_KEY=sk_test_emulator",
            "STRIPE_CLIENT_ID=ca_emulator",
            f"STRIPE_API_BASE={emulator}",
            f"STRIPE_CONNECT_BASE={emulator}",
            f"ENCRYPTION_KEYS={operator.shown('stripe-bridge keys generate').strip()}",
            f"REDIS_URL={redis_url}",
            "SUBSCRIBERS_ALLOW_PRIVATE=127.0.0.0/8",
        ]
    )


def test_an_empty_folder_and_the_wheel_are_enough_for_the_main_story(operator, redis_url, tmp_path):
    port, emulator_port = reserved_port(), reserved_port()
    service, emulator = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{emulator_port}"
    env_file = operator.folder / ".env"
    env_file.write_text(settings(operator, service=service, emulator=emulator, redis_url=redis_url))

    operator.starts(f"stripe-emulator --port {emulator_port}", until=emulator)
    assert "The schema is at" in operator.shown("stripe-bridge db upgrade")
    web = operator.starts(f"stripe-bridge web --port {port}", until="startup complete")
    worker = operator.starts("stripe-bridge worker", until="settings file read")
    operator.shown("stripe-bridge receivers register")
    made = operator.shown("stripe-bridge tokens create --tenant acme --new-tenant --role admin --json")
    secret = json.loads(made)["token"]

    with requests.Session() as http:
        http.trust_env = False
        facts = {"service": service, "emulator": emulator, "tokens": {"admin": secret, "power_user": secret}}
        play(Stack(Settings(port, emulator_port, tmp_path), facts, http, ()))
        assert len(follow(http, f"{service}/docs")) > 3
        sees_the_console(operator, http)
        assert {urlsplit(at).path.rpartition("/")[2] for at in follow(http, f"{service}{FRAME}")} == {
            "frame",
            "frame.js",
            "stripe-invoices.js",
        }

    assert operator.runs("stripe-bridge doctor").stdout == "All is well.\n"
    checks = json.loads(operator.shown("stripe-bridge doctor --before-going-live --json"))["checks"]
    # This is no production: a test key, no https, and nobody showed keys and backups.
    assert {each["subject"] for each in checks if each["outcome"] == "warn"} == {
        "mode",
        "PUBLIC_URL",
        "kept keys",
        "backups",
        "metrics",
    }
    for log in (web, worker):
        assert f'"file": "{env_file}"' in log.read_text()
    assert sorted(path.name for path in operator.folder.iterdir() if "sqlite" not in path.name) == [
        ".env",
        *sorted(path.name for path in operator.folder.glob("stripe-bridge.db*")),
    ]


def test_the_demo_plays_from_the_wheel_as_in_a_clone_and_leaves_nothing_behind(operator):
    shown = operator.shown("stripe-bridge demo")

    assert "is paid, 124.50 USD" in shown
    assert re.search(r"told +\d+  invoice\.paid .* still owes 0 cents", shown)
    assert list(operator.folder.iterdir()) == []


def sees_the_console(operator, http):
    """Signed in by the link that a command prints, with all that its pages are made of."""
    page, _, token = operator.shown("stripe-bridge console link --operator").strip().partition("#")
    assert len(follow(http, page)) > 3
    csrf = re.findall(r'name="csrf" value="([^"]+)"', http.get(page, timeout=30).text)[0]
    start = http.post(page, data={"csrf": csrf, "token": token}, timeout=30)
    assert "Sign out" in start.text
    sections = re.findall(r'href="(/console/[a-z]+)"', start.text)
    assert len(sections) > 5
    for path in sections:
        assert http.get(urljoin(page, path), timeout=30).ok, path


def follow(http, url):
    """The page, those that it leads to, and all that any of them loads: each is there."""
    found, to_do, known = {}, [url], {urlsplit(url).path}
    while to_do:
        at = to_do.pop()
        answer = http.get(at, timeout=30)
        assert (answer.ok, bool(answer.content)) == (True, True), at
        found[at] = answer
        for place in (urljoin(at, unescape(name)) for name in named_in(answer, with_links=at == url)):
            parts = urlsplit(place)
            if parts.netloc == urlsplit(url).netloc and parts.path not in known:
                known.add(parts.path)
                to_do.append(place)
    return found


def named_in(answer, *, with_links):
    if "javascript" in answer.headers["Content-Type"]:
        return MODULE.findall(answer.text)
    return [*map("".join, ASSET.findall(answer.text)), *(LINK.findall(answer.text) if with_links else [])]

"""The page that embeds the panel. Playwright serves it, under an origin that has no server."""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from playwright.sync_api import BrowserContext, FrameLocator, Locator, Page, Route

from stripe_bridge_playground.client import Erp, Json, StripeSide
from stripe_bridge_playground.settings import reserved_port
from tests.servers.processes import spawn, stop
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
TENANT = "demo"
ORIGIN = "http://erp.localhost:9123"
_NUMBERS = itertools.count(5001)
_SENDERS = itertools.cycle(("member", "power_user", "admin"))
# What the docs say that an ERP's own policy needs, and no more.
POLICY = (
    "default-src 'none'; script-src 'self' {service}; connect-src 'self' {service}; frame-src {service}; "
    "style-src 'self'"
)
PAGE = """<!doctype html>
<html lang="{lang}" dir="{dir}" class="{theme}"><head><meta charset="utf-8"><title>Order</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/page.css">
<script type="module" src="{service}/embed/v1/stripe-invoices.js"></script>
</head><body><main><h1>Order</h1>{panel}</main><script src="/page.js"></script></body></html>"""
STYLE = """
body { margin: 8px }
.dark { color-scheme: dark; background: #0e1015; color: #e4e7ee }
iframe { border: 0; width: 100% }
"""
SCRIPT = """
const fetchSession = async () => {
  const answer = await fetch("/session" + location.search);
  if (!answer.ok) throw new Error("The ERP says no.");
  return answer.text();
};
window.heard = [];
for (const name of ["invoice-sent", "invoice-voided", "invoice-refunded", "error", "session-expired"])
  document.addEventListener("sb-" + name, (event) => heard.push([event.type, event.detail]));
const panel = document.querySelector("stripe-invoices");
if (panel) panel.fetchSession = fetchSession;
const frame = document.querySelector("iframe");
if (frame) {
  const service = new URL(frame.dataset.src).origin;
  addEventListener("message", async ({ origin, source, data }) => {
    if (origin !== service || source !== frame.contentWindow) return;
    heard.push([data.type, data]);
    if (data.type === "sb-session-request")
      frame.contentWindow.postMessage({ type: "sb-session", token: await fetchSession() }, service);
    if (data.type === "sb-height") frame.style.height = data.height + "px";
  });
  frame.src = frame.dataset.src;
}
"""


@dataclass(frozen=True)
class Stack:
    """A service and an emulator that run, with a connected account.

    `erps` are by role, `console` is an operator's link to sign in, `env` has the settings for commands.
    """

    service: str
    erps: dict[str, Erp]
    stripe: StripeSide
    integration: int
    console: str
    env: Mapping[str, str] = field(repr=False)

    def new_order(self, **changes: Any) -> int:
        number = next(_NUMBERS)
        order = {
            "number": f"SO-{number}",
            "currency": "eur",
            "total_in_cents": 12_000,
            "customer": {"id": number, "name": "Jenny Rosen", "email": "jenny@example.com"},
            "lines": [{"description": "Oak table", "quantity": "1", "amount_in_cents": 12_000}],
            "updated_at": datetime.now(UTC).isoformat(),
        }
        self.erps["power_user"].call("PUT", f"/api/sales-orders/{number}", order | changes, expected=201)
        return number

    def send(self, order: int) -> Json:
        body = {"integration_instance_id": self.integration, "sales_order_id": order}
        # A token may send thirty in a minute, and fast tests send more.
        erp = self.erps[next(_SENDERS)]
        sent: Json = erp.call("POST", "/api/stripe/invoices", body, expected=201)["data"]
        return sent

    def invoices(self, order: int) -> list[Json]:
        path = f"/api/stripe/sales-orders/{order}/invoices"
        found: list[Json] = self.erps["viewer"].call("GET", path, expected=200)["data"]
        return found

    def pay(self, order: int) -> None:
        self.stripe.pay(self.invoices(order)[0]["stripe_invoice_id"])

    def at_stripe(self, path: str, **what: Any) -> Json:
        """What a customer, a bank or the merchant does there."""
        answer = self.stripe.http.post(f"{self.stripe.url}/_emulator/{path}", json=what, timeout=60)
        assert answer.ok, answer.text
        made: Json = answer.json()
        return made

    def command(self, *words: str) -> str:
        """What it prints for somebody who runs it beside the service."""
        command = [sys.executable, "-m", "flask", "--app", "stripe_bridge.wsgi", *words]
        done = subprocess.run(command, env=self.env, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def paid(self) -> int:
        """A new order that is paid."""
        order = self.new_order()
        self.send(order)
        self.pay(order)
        wait_until(lambda: self.invoices(order)[0]["refundable_in_cents"] > 0)
        return order


@contextmanager
def started(folder: Path) -> Iterator[Stack]:
    ports = {name: str(reserved_port()) for name in ("PORT", "EMULATOR_PORT", "ERP_PORT")}
    env = {**os.environ, **ports, "DATA_DIR": str(folder / "data"), "SEED": "no"}
    log = folder / "log"
    process = spawn([sys.executable, "-m", "stripe_bridge_playground", "run"], log=log, env=env, cwd=ROOT)
    try:
        wait_until(lambda: process.poll() is not None or "Ctrl-C" in log.read_text())
        assert process.poll() is None, log.read_text()
        facts = json.loads((folder / "data" / "run.json").read_text())
        with requests.Session() as http:
            http.trust_env = False
            yield _connected(
                facts, http, _console_link(log.read_text()), _settings(folder / "data" / "env.sh")
            )
        # Otherwise it would only be seen that nothing answers any more.
        assert process.poll() is None, log.read_text()
    finally:
        stop(process, signal.SIGTERM, within=60)


def _console_link(log: str) -> str:
    (link,) = re.findall(r"^Console +(\S+)$", log, flags=re.MULTILINE)
    return str(link)


def _settings(script: Path) -> dict[str, str]:
    """What a shell has after reading the script."""
    printed = subprocess.run(["sh", "-c", '. "$0" && env -0', script], check=True, capture_output=True)
    return dict(line.split("=", 1) for line in printed.stdout.decode().split("\0") if "=" in line)


def _connected(facts: Json, http: requests.Session, console: str, env: Mapping[str, str]) -> Stack:
    erps = {role: Erp(http, facts["service"], token) for role, token in facts["tokens"].items()}
    stripe, path = StripeSide(http, facts["emulator"]), "/api/stripe/integrations"
    made = erps["admin"].call("POST", path, {"name": "Rosen Furniture"}, expected=201)["data"]
    url = erps["admin"].call("POST", f"{path}/{made['id']}/authorize", expected=200)["data"]["authorize_url"]
    stripe.approve(url)
    return Stack(facts["service"], erps, stripe, made["id"], console, env)


@dataclass
class Host:
    """`sessions` counts what the ERP's server gave out; `gives_sessions` False makes it refuse."""

    stack: Stack
    context: BrowserContext
    sessions: int = 0
    gives_sessions: bool = True
    role: str = "power_user"
    last_session: str = ""
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.route(f"{ORIGIN}/**", self._serve)

    def open(self, order: int, *, into: Page | None = None, frame: bool = False, **how: str) -> Page:
        page = into or self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(f"{ORIGIN}/?{urlencode({'order': order, **how, **({'frame': '1'} if frame else {})})}")
        return page

    def _serve(self, route: Route) -> None:
        address = urlsplit(route.request.url)
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        if address.path == "/session":
            self._give_session(route, asked)
        elif address.path == "/page.css":
            route.fulfill(body=STYLE, content_type="text/css")
        elif address.path == "/page.js":
            route.fulfill(body=SCRIPT, content_type="text/javascript")
        else:
            policy = POLICY.format(service=self.stack.service)
            headers = {"Content-Security-Policy": policy, "Content-Type": "text/html"}
            route.fulfill(body=self._page(asked), headers=headers)

    def _page(self, asked: dict[str, str]) -> str:
        how = {"lang": "en", "dir": "ltr", "theme": "light", **asked}
        frame = urlencode({"origin": ORIGIN, "sales_order_id": asked["order"], "lang": how["lang"]})
        panel = (
            f'<iframe title="Invoices" data-src="{self.stack.service}/embed/v1/frame?{frame}"></iframe>'
            if "frame" in asked
            else f'<stripe-invoices sales-order-id="{asked["order"]}"></stripe-invoices>'
        )
        return PAGE.format(**how, panel=panel, service=self.stack.service)

    def _give_session(self, route: Route, asked: dict[str, str]) -> None:
        if not self.gives_sessions:
            route.fulfill(status=403, body="no")
            return
        self.sessions += 1
        self.last_session = self.new_session(int(asked["order"]), asked.get("origin", ORIGIN))
        route.fulfill(body=self.last_session, content_type="text/plain")

    def new_session(self, order: int, origin: str = ORIGIN) -> str:
        body = {"sales_order_id": order, "origin": origin}
        made = self.stack.erps[self.role].call("POST", "/api/panel-sessions", body, expected=201)
        token: str = made["data"]["token"]
        return token


def button(page: Page | FrameLocator | Locator, name: str, **how: Any) -> Locator:
    return page.get_by_role("button", name=name, **how)


def badge(page: Page | FrameLocator) -> Locator:
    return page.locator("[part~=status]").first

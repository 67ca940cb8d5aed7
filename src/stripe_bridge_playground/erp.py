"""A page like an ERP's, with the panel in it. Its server asks the service for sessions, as an ERP's does."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from stripe_bridge_playground.client import Json
from stripe_bridge_playground.settings import HOST

_PAGES = Path(__file__).parent / "pages"
_FILES = {"/erp.css": "text/css", "/erp.js": "text/javascript"}
_TIMEOUT = 30.0
USUAL_PORT = 8001
_CHOICES: Mapping[str, Mapping[str, str]] = {
    "English": {},
    "German": {"lang": "de"},
    "dark": {"theme": "dark"},
    "right to left": {"dir": "rtl"},
    "a viewer": {"as": "viewer"},
    "a frame": {"frame": "1"},
}
_DEFAULTS = {"lang": "en", "dir": "ltr", "theme": "light", "as": "power_user", "frame": "", "order": "1001"}
_ALLOWED = {
    "lang": ("en", "de", "fr", "es"),
    "dir": ("ltr", "rtl"),
    "theme": ("light", "dark"),
    "as": ("viewer", "member", "power_user"),
    "frame": ("", "1"),
}


@dataclass(frozen=True)
class Shop:
    """What the pages need: where the service is, its tokens by role, and the orders by their ids."""

    service: str
    origin: str
    tokens: Mapping[str, str]
    orders: Mapping[int, Json]


@contextmanager
def serving(port: int, shop: Shop) -> Iterator[None]:
    """Serve the pages beside the service, until the end."""
    server = ThreadingHTTPServer((HOST, port), type("Handler", (_Handler,), {"shop": shop}))
    thread = threading.Thread(target=server.serve_forever, daemon=True, name="erp")
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def new_session(shop: Shop, order: str, role: str) -> requests.Response:
    """What the ERP's server asks for. A real ERP checks first whether its user may see the order."""
    body = {"sales_order_id": int(order), "origin": shop.origin}
    with requests.Session() as http:
        # The service is on this machine.
        http.trust_env = False
        return http.post(
            f"{shop.service}/api/panel-sessions",
            json=body,
            headers={"Authorization": f"Bearer {shop.tokens[role]}"},
            timeout=_TIMEOUT,
        )


def policy(shop: Shop) -> str:
    """What a page needs that embeds the panel, and nothing else."""
    return (
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"script-src 'self' {shop.service}; connect-src 'self' {shop.service}; frame-src {shop.service}"
    )


def draw(shop: Shop, asked: Mapping[str, str]) -> str:
    """The page of a sales order."""
    order = shop.orders[int(asked["order"])]
    lines = "".join(
        f"<tr><td>{escape(line['description'])}</td><td>{escape(line['quantity'])}</td>"
        f"<td>{_money(line['amount_in_cents'], order)}</td></tr>"
        for line in order["lines"]
    )
    attributes = f'sales-order-id="{asked["order"]}" lang="{asked["lang"]}"'
    panel = f"<stripe-invoices {attributes}></stripe-invoices>"
    frame = '<iframe title="Stripe invoices"></iframe>'
    values: dict[str, Any] = {
        **asked,
        "service": shop.service,
        "number": escape(order["number"]),
        "customer": escape(order["customer"]["name"]),
        "email": escape(order["customer"]["email"]),
        "total": _money(order["total_in_cents"], order),
        "lines": lines,
        "orders": "".join(_link(shop, each, asked) for each in shop.orders),
        "panel": frame if asked["frame"] else panel,
        "choices": " · ".join(
            f'<a href="/?{escape(urlencode({"order": asked["order"], **choice}))}">{escape(name)}</a>'
            for name, choice in _CHOICES.items()
        ),
    }
    return Template((_PAGES / "order.html").read_text()).substitute(values)


def _link(shop: Shop, order_id: int, asked: Mapping[str, str]) -> str:
    current = ' aria-current="page"' if str(order_id) == asked["order"] else ""
    query = escape(urlencode({**asked, "order": order_id}))
    return f'<a href="/?{query}"{current}>{escape(shop.orders[order_id]["number"])}</a>'


def _money(amount: int, order: Json) -> str:
    sign, (whole, cents) = "-" if amount < 0 else "", divmod(abs(amount), 100)
    return f"{sign}{whole:,}.{cents:02} {order['currency'].upper()}"


def _asked(shop: Shop, query: str) -> dict[str, str]:
    """Only values that there are, so that nothing of an address gets into a page."""
    given = {name: values[-1] for name, values in parse_qs(query).items()}
    asked = {
        name: given[name] if given.get(name) in allowed else _DEFAULTS[name]
        for name, allowed in _ALLOWED.items()
    }
    order = given.get("order", "")
    is_known = order.isascii() and order.isdecimal() and int(order) in shop.orders
    return asked | {"order": str(int(order)) if is_known else str(next(iter(shop.orders)))}


class _Handler(BaseHTTPRequestHandler):
    shop: Shop

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if self.headers.get("Host") != urlsplit(self.shop.origin).netloc:
            # A name of somebody else's that leads to this machine.
            self._answer(HTTPStatus.MISDIRECTED_REQUEST, "text/plain", b"Not this host.")
        elif address.path in _FILES:
            content = (_PAGES / address.path.lstrip("/")).read_bytes()
            self._answer(HTTPStatus.OK, _FILES[address.path], content)
        elif address.path == "/panel-session":
            self._hand_out_session(_asked(self.shop, address.query))
        elif address.path == "/":
            page = draw(self.shop, _asked(self.shop, address.query))
            self._answer(HTTPStatus.OK, "text/html; charset=utf-8", page.encode())
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"There is nothing here.")

    def _hand_out_session(self, asked: Mapping[str, str]) -> None:
        if self.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            self._answer(HTTPStatus.FORBIDDEN, "text/plain", b"Only for this page.")
            return
        answer = new_session(self.shop, asked["order"], asked["as"])
        if answer.status_code == HTTPStatus.CREATED:
            token: str = answer.json()["data"]["token"]
            self._answer(HTTPStatus.OK, "text/plain", token.encode())
        else:
            self._answer(HTTPStatus.BAD_GATEWAY, "text/plain", b"The service gave no session.")

    def _answer(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", policy(self.shop))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, _format: str, *_arguments: object) -> None:
        """Not into the terminal that shows the links."""

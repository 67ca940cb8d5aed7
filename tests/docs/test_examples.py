"""docs/api.md and the pages that it leads to do what they say, from the first example to the last."""

import json
import re
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler

import pytest
import requests

from stripe_bridge.adapters.web.app import operations_by_endpoint
from stripe_bridge.domain.access import Role
from tests.docs.exchanges import Message, Names, exchanges_in
from tests.docs.pages import ROOT, Page
from tests.fakes.stripe.signatures import sign
from tests.journeys.people import browser
from tests.journeys.stack import WEBHOOK_SECRET, Combination, Stack
from tests.servers.answering import Answering
from tests.waiting import wait_until

INDEX = Page(ROOT / "docs" / "api.md")
# In the index's order.
PAGES = [Page(INDEX.path.parent / path) for path in dict.fromkeys(INDEX.links()) if path.startswith("api/")]
OWN_SECRET = "whsec_own"
# Their pages show what they refuse: an invoice is not emailed again within a minute, for which no example waits, and a worker
# may be quicker than the example that cancels a replay.
A_MATTER_OF_TIME = {"send_panel_invoice_again", "cancel_replay"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory, sqlite_databases):
    """A fresh service on a fresh emulator."""
    folder = tmp_path_factory.mktemp("docs")
    url = sqlite_databases.fresh(folder)
    settings = {"OAUTH_RETURN_URL": "https://erp.example.com/connected"}
    combination = Combination(database="sqlite", settings=settings)
    with Stack(combination, database_url=url, redis_url=None, folder=folder) as started:
        yield started


@pytest.mark.slow
def test_every_example_of_the_api_is_so(stack):
    tokens = {
        role.value: stack.operator.access.create_token(
            tenant_id="acme", role=role, user_id=number, label=""
        ).secret
        for number, role in enumerate(Role, start=1)
    }
    with browser() as http, a_receiver() as receiver:
        names = Names({**tokens, "emulator": stack.emulator.url, "receiver": receiver})
        for page in PAGES:
            if page.name.endswith("/webhooks.md"):
                stack.operator.receivers.attach(1, OWN_SECRET)
            for exchange in exchanges_in(page.text):
                faults = attempt(http, stack.url, exchange, names)
                if exchange.comes_eventually and faults:
                    wait_until(partial(is_so, http, stack.url, exchange, names), every=0.2)
                else:
                    assert not faults, f"{page.name}: {exchange.request.first_line}: {faults}"


@contextmanager
def a_receiver():
    """Its address. It takes everything."""

    class TakesEverything(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with Answering(TakesEverything) as server:
        yield server.address


def test_every_operation_has_an_example_of_its_good_answer():
    shown = [
        exchange.request.first_line
        for page in PAGES
        for exchange in exchanges_in(page.text)
        if exchange.status < 400
    ]
    missing = [
        operation.id for operation in operations_by_endpoint().values() if not is_among(operation, shown)
    ]
    assert set(missing) == A_MATTER_OF_TIME


def is_among(operation, requests_shown):
    """The callback's full address comes from Stripe's redirect, so the page only gives its name."""
    path = r"\$callback" if operation.id == "complete_authorization" else operation.path
    pattern = rf"{operation.method} {re.sub('<id:.*?>', '[^/?]+', path)}(\?.*)?"
    return any(re.fullmatch(pattern, request) for request in requests_shown)


def is_so(http, service, exchange, names):
    return not attempt(http, service, exchange, names)


def attempt(http, service, exchange, names):
    method, target = names.fill(exchange.request.first_line).split(" ", 1)
    body = names.fill(exchange.request.body).encode()
    names.known |= {
        "platform_signature": sign(body, WEBHOOK_SECRET, datetime.now(UTC)),
        "own_signature": sign(body, OWN_SECRET, datetime.now(UTC)),
    }
    answer = http.request(
        method,
        target if target.startswith("http") else service + target,
        headers={name: names.fill(value) for name, value in exchange.request.headers.items()},
        data=body or None,
        allow_redirects=False,
        timeout=60,
    )
    if answer.status_code != exchange.status:
        return [f"status {answer.status_code}: {answer.text}"]
    return list(differences(exchange.answer, answer, names))


def differences(reported: Message, answer: requests.Response, names: Names):
    for name, value in reported.headers.items():
        yield from names.differences(value, answer.headers.get(name), name)
    if reported.body:
        yield from names.differences(json.loads(reported.body), answer.json(), "$")


@pytest.mark.parametrize(
    ("reported", "got"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "…": "…"}, {"b": 1}),
        ({"a": 1}, {"a": True}),
        ("in_…", "pi_1"),
        ("$known", "other"),
        (["…", 2], [1]),
        ([1, 2], [1]),
        (None, ""),
    ],
)
def test_what_is_not_so_is_found(reported, got):
    assert list(Names({"known": "this"}).differences(reported, got, "$"))

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from stripe_bridge.adapters.own_address import HttpOwnAddress
from stripe_bridge.ports.own_address import AddressUnreachable, Answer
from tests.servers.answering import Answering

ANSWERS = {
    "/json": (405, b'{"request_id": "r"}'),
    "/list": (200, b"[1]"),
    "/page": (200, b"<html>"),
    "/moved": (302, b""),
}


@pytest.fixture
def site() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = ANSWERS[self.path]
            self.send_response(status)
            self.send_header("Location", "/page")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with Answering(Handler) as server:
        yield server.address


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/json", Answer(status=405, body={"request_id": "r"})),
        ("/list", Answer(status=200)),
        ("/page", Answer(status=200)),
        ("/moved", Answer(status=302)),
    ],
)
def test_an_answer_is_its_status_and_its_object_if_it_is_one(site: str, path: str, answer: Answer):
    assert HttpOwnAddress().get(f"{site}{path}") == answer


def test_an_address_at_which_nobody_listens_is_named():
    with pytest.raises(AddressUnreachable) as caught:
        HttpOwnAddress().get("http://127.0.0.1:1/healthz")

    assert caught.value.reason == "http://127.0.0.1:1/healthz cannot be reached from here (ConnectionError)"

"""Delivering over real connections: to the vetted address only, signed, and never for longer than the limit."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from stripe_bridge.adapters.deliveries import Guard, HttpDeliveries
from stripe_bridge.adapters.logs import redact
from stripe_bridge.domain.errors.values import UrlNotAllowed
from stripe_bridge.ports.deliveries import Answer, Message, NotDelivered
from tests.adapters.deliveries.scripted_receiver import ScriptedReceiver, answer, receiving
from tests.servers.certificates import Authority, self_signed

SECRET, OTHER = "whsec_" + "QUFB" * 10 + "QUE=", "whsec_" + "QkJC" * 10 + "QkI="
LOOPBACK = ("127.0.0.0/8", "::1")
NAME = "erp.example"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def deliver() -> Iterator[Callable[..., HttpDeliveries]]:
    made: list[HttpDeliveries] = []

    def make(*addresses: str, **options: Any) -> HttpDeliveries:
        found = addresses or ("127.0.0.1",)
        guard = Guard(LOOPBACK, resolve=lambda _host, _port: found)
        made.append(HttpDeliveries(guard=guard, redact=redact, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def a_message(**changes: Any) -> Message:
    body = json.dumps({"type": "ping", "text": "é"}, ensure_ascii=False).encode()
    message = Message(id="msg_1", timestamp=datetime.now(UTC).replace(microsecond=0), body=body)
    return replace(message, **changes)


def post(deliveries: HttpDeliveries, url: str, message: Message | None = None) -> Answer:
    return deliveries.post(url, message or a_message(), [SECRET])


def reason(deliveries: HttpDeliveries, url: str) -> str:
    with pytest.raises(NotDelivered) as caught:
        post(deliveries, url)
    return caught.value.reason


def url_of(receiver: ScriptedReceiver, scheme: str = "http", host: str = NAME) -> str:
    return f"{scheme}://{host}:{receiver.port}/changes?key=1"


def test_the_bytes_that_are_signed_are_the_bytes_that_are_sent(deliver: Any):
    message = a_message()
    with receiving(answer()) as receiver:
        given = deliver().post(url_of(receiver), message, [SECRET, OTHER])
    [request] = receiver.requests
    assert given == Answer(status=200)
    assert request.body == message.body
    assert request.head.startswith(b"POST /changes?key=1 HTTP/1.1\r\n")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == "msg_1"
    for secret in (SECRET, OTHER):
        assert Webhook(secret).verify(request.body, request.headers)["type"] == "ping"


def test_the_name_is_kept_where_only_its_address_is_connected_to(deliver: Any, authority: Authority):
    """The test machine knows no such name: only the vetted address can have been connected to."""
    with receiving(answer(), certificate=authority.issue(NAME)) as receiver:
        assert post(deliver(ca_file=str(authority.file)), url_of(receiver, "https")).status == 200
    [request] = receiver.requests
    assert request.server_name == NAME
    assert request.headers["host"] == f"{NAME}:{receiver.port}"


def test_the_next_address_is_tried_where_one_does_not_answer(deliver: Any):
    with receiving(answer(), family=socket.AF_INET6) as receiver:
        assert post(deliver("127.0.0.1", "::1"), url_of(receiver)).status == 200


@pytest.mark.parametrize("problem", ["self-signed", "another authority's", "another name's", "expired"])
def test_a_bad_certificate_gets_nothing(problem: str, deliver: Any, authority: Authority, tmp_path: Path):
    certificate = {
        "self-signed": lambda: self_signed(tmp_path),
        "another authority's": lambda: Authority(tmp_path).issue(NAME),
        "another name's": lambda: authority.issue("other.example"),
        "expired": lambda: authority.issue(NAME, expired=True),
    }[problem]()
    with receiving(answer(), certificate=certificate) as receiver:
        assert reason(deliver(ca_file=str(authority.file)), url_of(receiver, "https")).startswith(
            "TLS failed"
        )
    assert receiver.requests == []


def test_without_the_private_authority_its_certificates_are_refused(deliver: Any, authority: Authority):
    with receiving(answer(), certificate=authority.issue(NAME)) as receiver:
        assert "TLS failed" in reason(deliver(), url_of(receiver, "https"))
    assert receiver.requests == []


def test_a_name_that_has_another_address_when_it_is_connected_to_gets_nothing(authority: Authority):
    """Rebinding: public when it was registered, private a moment later."""
    with receiving(answer(), certificate=authority.issue(NAME)) as receiver:
        answers = [["93.184.216.34"], ["127.0.0.1"], ["93.184.216.34", "127.0.0.1"]]
        guard = Guard(resolve=lambda _host, _port: answers.pop(0))
        deliveries = HttpDeliveries(guard=guard, ca_file=str(authority.file))
        deliveries.check(url_of(receiver, "https"))
        for _ in range(2):
            assert "127.0.0.1 is a private address" in reason(deliveries, url_of(receiver, "https"))
        deliveries.close()
    assert (receiver.connections, receiver.requests) == (0, [])


def test_a_url_that_is_not_allowed_any_more_gets_nothing(deliver: Any):
    with receiving(answer()) as receiver, pytest.raises(UrlNotAllowed):
        post(deliver(), f"http://user@127.0.0.1:{receiver.port}/")
    assert receiver.connections == 0


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"])
def test_a_redirect_is_not_followed(status: str, deliver: Any):
    with receiving(answer()) as elsewhere:
        target = f"Location: {url_of(elsewhere)}"
        with receiving(answer(status, b"", target)) as receiver:
            assert post(deliver(), url_of(receiver)).status == int(status[:3])
    assert elsewhere.connections == 0


def endless_body(sock: socket.socket, over: threading.Event) -> None:
    sock.sendall(b"HTTP/1.1 500 Oh no\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not over.is_set():
        sock.sendall(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")


def endless_head(sock: socket.socket, over: threading.Event) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\n")
    while not over.wait(0.005):
        sock.sendall(b"X: y\r\n")


def endless_interim_answers(sock: socket.socket, over: threading.Event) -> None:
    while not over.wait(0.005):
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def slow_head(sock: socket.socket, over: threading.Event) -> None:
    for byte in b"HTTP/1.1 200 OK\r\n" + b"x" * 100:
        sock.sendall(bytes([byte]))
        if over.wait(0.05):
            return


def silence(_sock: socket.socket, over: threading.Event) -> None:
    over.wait(30)


def test_no_more_than_the_beginning_of_an_endless_answer_is_read(deliver: Any):
    started = time.monotonic()
    with receiving(endless_body) as receiver:
        given = post(deliver(), url_of(receiver))
    assert (given.status, len(given.body)) == (500, 2048)
    assert set(given.body) == {"x"}
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("script", [endless_head, endless_interim_answers, slow_head, silence])
def test_an_answer_that_does_not_end_in_time_is_none(script: Any, deliver: Any):
    started = time.monotonic()
    with receiving(script) as receiver:
        given = reason(deliver(time_limit=0.3), url_of(receiver))
    assert "no answer" in given or "cut" in given
    assert time.monotonic() - started < 10


def test_a_connection_on_which_tls_never_begins_ends_in_time(deliver: Any):
    with receiving(silence) as receiver:
        assert "no answer within 0.3 seconds" in reason(deliver(time_limit=0.3), url_of(receiver, "https"))


@pytest.mark.parametrize("status", ["200 OK", "503 Busy"])
def test_a_status_counts_even_if_its_body_never_comes(status: str, deliver: Any):
    def headers_only(sock: socket.socket, over: threading.Event) -> None:
        sock.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 10\r\n\r\n12".encode())
        over.wait(30)

    def has_its_status(time_limit: float) -> bool:
        with suppress(NotDelivered), receiving(headers_only) as receiver:
            return post(deliver(time_limit=time_limit), url_of(receiver)) == Answer(
                status=int(status[:3]), body="12"
            )
        return False

    # Longer where the machine is too busy for its first bytes to come in time.
    assert any(has_its_status(time_limit) for time_limit in (0.3, 3, 30))


@pytest.mark.parametrize("cut", [b"", b"HTTP/1.1 2", b"nonsense\r\n\r\n"])
def test_a_connection_that_is_cut_is_no_answer(cut: bytes, deliver: Any):
    def hang_up(sock: socket.socket, _over: threading.Event) -> None:
        sock.sendall(cut)
        sock.shutdown(socket.SHUT_RDWR)

    with receiving(hang_up) as receiver:
        assert "cut" in reason(deliver(), url_of(receiver))


def test_nobody_listening_is_no_answer(deliver: Any):
    with receiving(answer()) as receiver:
        pass
    assert "refused" in reason(deliver(), url_of(receiver)).lower()


def test_secrets_in_an_answer_are_masked_before_it_is_cut(deliver: Any):
    def echo(sock: socket.socket, over: threading.Event) -> None:
        signature = receiver.requests[-1].headers["webhook-signature"]
        text = (
            f"bad signature {signature} for {SECRET}; Bearer abcdef; sk_live_123\0\n{'x' * 1800}{SECRET * 9}"
        )
        answer("401 Unauthorized", text.encode())(sock, over)

    with receiving(echo) as receiver:
        given = post(deliver(), url_of(receiver))
    signature = receiver.requests[-1].headers["webhook-signature"]
    for secret in (signature, SECRET, "whsec_", "abcdef", "sk_live_123"):
        assert secret not in given.body
    assert given.body.startswith("bad signature [redacted] for [redacted]; Bearer [redacted]; [redacted]  x")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("99999999999999999999", 999_999_999),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_understood(header: str, seconds: int | None, deliver: Any):
    with receiving(answer("503 Busy", b"", f"Retry-After: {header}")) as receiver:
        given = post(deliver(), url_of(receiver))
    assert given.retry_after == (None if seconds is None else timedelta(seconds=seconds))


def test_retry_after_may_be_a_date(deliver: Any):
    message = a_message(timestamp=datetime(2026, 11, 30, 12, 0, 0, tzinfo=UTC))
    date = "Retry-After: Mon, 30 Nov 2026 12:10:00 GMT"
    with receiving(answer("503 Busy", b"", date)) as receiver:
        assert post(deliver(), url_of(receiver), message).retry_after == timedelta(minutes=10)


def test_a_connection_is_used_again(deliver: Any):
    deliveries = deliver()
    with receiving(answer(body=b"ok")) as receiver:
        for _ in range(3):
            assert post(deliveries, url_of(receiver)).status == 200
    assert (len(receiver.requests), receiver.connections) == (3, 1)


def test_a_connection_that_the_receiver_has_closed_is_not_used_again(deliver: Any):
    deliveries = deliver()
    with receiving(answer("200 OK", b"", "Connection: close")) as receiver:
        for _ in range(2):
            assert post(deliveries, url_of(receiver)).status == 200
    assert receiver.connections == 2


def test_the_environments_proxies_are_ignored(deliver: Any, monkeypatch: pytest.MonkeyPatch):
    with receiving(answer("502 Bad Gateway")) as proxy, receiving(answer()) as receiver:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert post(deliver(), url_of(receiver)).status == 200
    assert proxy.connections == 0


def test_a_proxy_of_ours_gets_the_request_with_its_credentials(deliver: Any):
    with receiving(answer("418 Teapot")) as proxy:
        through = f"http://user:password@127.0.0.1:{proxy.port}"
        deliveries = HttpDeliveries(LOOPBACK, proxy=through)
        assert post(deliveries, "http://erp.internal/changes").status == 418
        with pytest.raises(NotDelivered):
            post(deliveries, "https://erp.example/changes")
        deliveries.close()
    plain, tunnel = proxy.requests
    assert plain.head.startswith(b"POST http://erp.internal/changes HTTP/1.1")
    assert tunnel.head.startswith(b"CONNECT erp.example:443 HTTP/1.")
    assert plain.headers["proxy-authorization"] == tunnel.headers["proxy-authorization"]
    assert tunnel.headers["proxy-authorization"].startswith("Basic ")

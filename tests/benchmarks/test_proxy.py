"""Measuring how long Stripe takes for a call."""

import http.client
import http.server
from urllib.parse import urlsplit

import pytest

from benchmarks.stand.proxy import MeasuringProxy, covered
from tests.servers.answering import Answering


class SaysOk(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


@pytest.fixture
def proxy():
    with Answering(SaysOk) as server, MeasuringProxy(server.address) as proxy:
        yield proxy


def test_each_call_on_a_connection_is_measured_by_itself(proxy):
    connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc)
    for _ in range(3):
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"ok"
    connection.close()
    durations = proxy.durations()
    assert all(duration > 0 for duration in durations)
    assert proxy.busy() == pytest.approx(sum(durations))


def test_earlier_measurements_are_cleared(proxy):
    connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc)
    connection.request("GET", "/")
    connection.getresponse().read()
    proxy.forget()
    assert proxy.durations() == []
    connection.close()


@pytest.mark.parametrize(
    ("spans", "length"),
    [([], 0), ([(1, 3)], 2), ([(1, 3), (2, 4)], 3), ([(1, 9), (2, 3)], 8), ([(5, 6), (1, 2)], 2)],
)
def test_calls_at_the_same_time_count_once(spans, length):
    assert covered(spans) == length

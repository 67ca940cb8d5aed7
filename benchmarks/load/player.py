"""A substitute for wrk where it is not installed. It shows that everything works, but mostly measures itself."""

import http.client
import itertools
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

from benchmarks.load.payloads import Numbers, Template, signature
from benchmarks.load.wrk import CONNECTIONS, LoadFailed, Played, Stored, check_stored, settled


class Player:
    """Does what Wrk does, within this process."""

    def __init__(self, template: Template, numbers: Numbers) -> None:
        self._template, self._numbers = template, numbers

    def play(self, url: str, seconds: float, stored: Stored) -> Played:
        before, begun = settled(stored), time.perf_counter()
        with ThreadPoolExecutor(CONNECTIONS) as connections:
            turns = [connections.submit(self._play, url, begun + seconds) for _ in range(CONNECTIONS)]
            latencies = list(itertools.chain.from_iterable(turn.result() for turn in turns))
        taken = time.perf_counter() - begun
        check_stored(len(latencies), stored() - before)
        return Played(acknowledged=len(latencies), seconds=taken, latencies=tuple(latencies))

    def _play(self, url: str, until: float) -> list[float]:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        latencies: list[float] = []
        while not latencies or time.perf_counter() < until:
            payload = self._template.payload(next(self._numbers.take(1)))
            headers = {
                "Content-Type": "application/json",
                "Stripe-Signature": signature(payload, int(time.time())),
            }
            begun = time.perf_counter()
            connection.request("POST", parts.path, payload, headers)
            answer = connection.getresponse()
            answer.read()
            latencies.append((time.perf_counter() - begun) * 1000)
            if answer.status != http.HTTPStatus.OK:
                raise LoadFailed(f"{url}: {answer.status}")
        connection.close()
        return latencies

    @contextmanager
    def delivering(self, url: str, payloads: Sequence[bytes]) -> Iterator[None]:
        """Send each of these once while the caller watches the effects."""
        with ThreadPoolExecutor(CONNECTIONS) as connections:
            answers = [connections.submit(post, url, payload) for payload in payloads]
            yield
        for answer in answers:
            answer.result()


def post(url: str, payload: bytes) -> None:
    """Post one webhook. Raises LoadFailed unless the answer is a 200."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    headers = {"Content-Type": "application/json", "Stripe-Signature": signature(payload, int(time.time()))}
    connection.request("POST", parts.path, payload, headers)
    status = connection.getresponse().status
    connection.close()
    if status != http.HTTPStatus.OK:
        raise LoadFailed(f"{url}: {status}")

"""A player for where wrk is not installed: it shows that everything works. Its figures say more of itself."""

import http.client
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from benchmarks.load.payloads import Numbers, Template, signature
from benchmarks.load.wrk import CONNECTIONS, LoadFailed, Played, Stored, check_stored


class Player:
    """Does what Wrk does, in this process."""

    def __init__(self, template: Template, numbers: Numbers) -> None:
        self._template, self._numbers = template, numbers

    def play(self, url: str, seconds: float, stored: Stored) -> Played:
        before, begun = stored(), time.perf_counter()
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

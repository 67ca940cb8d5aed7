"""Webhooks at a steady pace, as paid invoices bring them: their six events at once, and so many invoices a second."""

from __future__ import annotations

import http.client
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import local
from urllib.parse import urlsplit

from benchmarks.load.payloads import Json, as_sent, signature
from benchmarks.load.wrk import CONNECTIONS, LoadFailed
from benchmarks.stand.emulator import PAID


def deliver(url: str, events: Sequence[Json], *, per_second: float) -> dict[str, float]:
    """Returns when each event, by its id, was due to be sent, which is no later than it was. Raises LoadFailed."""
    began_at, here = time.time() + 0.1, local()
    due = {
        str(event["id"]): began_at + (number // len(PAID)) / per_second for number, event in enumerate(events)
    }

    def post(event: Json) -> None:
        if not hasattr(here, "connection"):
            here.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        body = as_sent(event)
        time.sleep(max(0.0, due[str(event["id"])] - time.time()))
        headers = {"Content-Type": "application/json", "Stripe-Signature": signature(body, int(time.time()))}
        here.connection.request("POST", urlsplit(url).path, body, headers)
        answer = here.connection.getresponse()
        answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise LoadFailed(f"{url}: {answer.status}")

    with ThreadPoolExecutor(CONNECTIONS) as connections:
        for sent in [connections.submit(post, event) for event in events]:
            sent.result()
    return due

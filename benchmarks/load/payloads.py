"""Webhooks as Stripe sends them: real events with new ids, signed, as bytes on the wire."""

import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SECRET = "whsec_benchmarks"
Json = dict[str, Any]


def as_sent(event: Json) -> bytes:
    """JSON as Stripe sends it, indented by two spaces."""
    return json.dumps(event, indent=2).encode()


def compact(event: Json) -> bytes:
    """JSON without white space: 3.6 KB for an invoice with one line; Stripe's own layout is half as long again."""
    return json.dumps(event, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Template:
    """An event from which any number can be made, each with its own id and about its own invoice."""

    parts: tuple[bytes, ...]
    """The payload, cut at each id."""
    kinds: tuple[int, ...]
    """Which of the two ids follows each part, except the last."""
    ids: tuple[bytes, bytes]

    @classmethod
    def of(cls, event: Json) -> "Template":
        """Make a template from an event about an invoice."""
        payload = compact(event)
        ids = event["id"].encode(), event["data"]["object"]["id"].encode()
        found = sorted((place, kind) for kind, id_ in enumerate(ids) for place in _places(payload, id_))
        ends = [place + len(ids[kind]) for place, kind in found]
        parts = [payload[start:place] for start, (place, _) in zip([0, *ends], found, strict=False)] + [
            payload[ends[-1] :]
        ]
        return cls(tuple(parts), tuple(kind for _, kind in found), ids)

    def payload(self, number: int) -> bytes:
        """The event of this number; always as long as the original."""
        ids = [id_[: -len(f"{number:014d}")] + f"{number:014d}".encode() for id_ in self.ids]
        middle = (
            piece
            for kind, part in zip(self.kinds, self.parts[1:], strict=True)
            for piece in (ids[kind], part)
        )
        return self.parts[0] + b"".join(middle)

    def __len__(self) -> int:
        return len(self.payload(0))


def signature(payload: bytes, at: int, secret: str = SECRET) -> str:
    """The `Stripe-Signature` header."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def request(url: str, payload: bytes, at: int) -> bytes:
    """A whole HTTP request, with the headers that Stripe sends."""
    parts = urlsplit(url)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json; charset=utf-8\r\n"
        "User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\nAccept: */*; q=0.5, application/xml\r\n"
        f"Content-Length: {len(payload)}\r\nStripe-Signature: {signature(payload, at)}\r\n\r\n"
    )
    return head.encode() + payload


class Numbers:
    """Numbers, each given out only once in the whole run."""

    def __init__(self) -> None:
        self._next = itertools.count(1)

    def take(self, count: int) -> Iterator[int]:
        return itertools.islice(self._next, count)


def write_requests(paths: list[Path], url: str, payloads: Iterator[bytes]) -> None:
    """Distribute requests over these files, each preceded by its length in eight digits."""
    # Signed now, accepted for five minutes.
    at = int(time.time())
    files = [path.open("wb") for path in paths]
    for file, payload in zip(itertools.cycle(files), payloads, strict=False):
        whole = request(url, payload, at)
        file.write(b"%08d" % len(whole) + whole)
    for file in files:
        file.close()


def _places(payload: bytes, id_: bytes) -> Iterator[int]:
    place = payload.find(id_)
    while place >= 0:
        yield place
        place = payload.find(id_, place + len(id_))

"""Receivers in memory, which verify what they get, and answer as told."""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from standardwebhooks import Webhook

from stripe_bridge.domain.errors.values import UrlNotAllowed
from stripe_bridge.ports.deliveries import Answer, Message, NotDelivered

Answering = Callable[[str, Message], Answer]


class FakeDeliveries:
    """`answers` are used up first: an Answer, a status, or an error. `posted` has every request, by address.

    `forbidden` are hosts that may not be reached. `is_transaction_open` says whether one is, which would be a mistake.
    """

    def __init__(self, is_transaction_open: Callable[[], bool] = lambda: False) -> None:
        self.answers: list[Answer | int | Exception] = []
        self.answering: Answering = lambda _url, _message: Answer(status=200)
        self.posted: dict[str, list[tuple[Message, Sequence[str]]]] = defaultdict(list)
        self.forbidden: set[str] = set()
        self._is_transaction_open = is_transaction_open

    def check(self, url: str) -> None:
        assert not self._is_transaction_open(), "A name is resolved inside a transaction."
        try:
            parts = urlsplit(url)
        except ValueError:
            raise UrlNotAllowed("Is not a URL.") from None
        if parts.scheme != "https" or parts.hostname in self.forbidden:
            raise UrlNotAllowed("Must be an https URL.")

    def post(self, url: str, message: Message, secrets: Sequence[str]) -> Answer:
        assert not self._is_transaction_open(), "A request is made inside a transaction."
        self.check(url)
        for secret in secrets:
            # Raises for what is no secret.
            Webhook(secret).sign(message.id, message.timestamp, message.body.decode())
        self.posted[url].append((message, secrets))
        answer = self.answers.pop(0) if self.answers else self.answering(url, message)
        if isinstance(answer, Exception):
            raise answer
        return Answer(status=answer) if isinstance(answer, int) else answer

    def pages(self, url: str) -> list[dict[str, Any]]:
        return [json.loads(message.body) for message, _ in self.posted[url]]


REFUSED = NotDelivered("no connection")

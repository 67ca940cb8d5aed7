"""Verifying that a payload comes from Stripe."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class Signatures(Protocol):
    def check(self, payload: bytes, header: str | None, secrets: Iterable[str]) -> str:
        """The first of the secrets with which the header signs exactly these bytes, no more than 5 minutes ago.

        Raises SignatureInvalid if there is no header, no such secret (an empty one never counts), or it is too old.
        Source: https://docs.stripe.com/webhooks/signature
        """
        ...

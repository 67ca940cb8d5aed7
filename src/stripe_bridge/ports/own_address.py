"""This service, as seen from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class AddressUnreachable(Exception):
    """Nothing answers there; `reason` is for operators."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`body` is empty unless it is a JSON object."""

    status: int
    body: Mapping[str, object] = field(default_factory=dict)


class OwnAddress(Protocol):
    def get(self, url: str) -> Answer:
        """Follows no redirect. Raises AddressUnreachable, which says why."""
        ...

"""Which key the stored secrets are sealed with. Everything here happens inside a unit of work."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class KeyInUse(Protocol):
    """Only the key's fingerprint is stored, never the key."""

    def find(self) -> str | None:
        """Its fingerprint; None if none was stored yet."""
        ...

    def save(self, fingerprint: str, since: datetime) -> None:
        """Replace the one that is stored, if there is one."""
        ...

"""Secrets at rest."""

from __future__ import annotations

from typing import Protocol

from stripe_bridge.domain.errors.base import BridgeError


class SealBroken(BridgeError):
    """A stored secret cannot be opened: none of the keys fits, or it was tampered with."""

    message = "A stored secret cannot be opened with the configured encryption keys."


class Vault(Protocol):
    def seal(self, secret: str) -> str:
        """Encrypt and authenticate it with the newest key."""
        ...

    def open(self, sealed: str) -> str:
        """Open it with whichever of the configured keys sealed it. Raises SealBroken."""
        ...

    def reseal(self, sealed: str) -> str:
        """The same secret under the newest key. Raises SealBroken."""
        ...


def can_open(vault: Vault, sealed: str) -> bool:
    """Whether any of the configured keys opens it."""
    try:
        vault.open(sealed)
    except SealBroken:
        return False
    return True

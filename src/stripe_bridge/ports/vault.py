"""Secrets at rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from stripe_bridge.domain.errors.base import BridgeError


class SealBroken(BridgeError):
    """A stored secret cannot be opened: none of the keys fits, or it was tampered with."""

    message = "A stored secret cannot be opened with the configured encryption keys."


class WrongEncryptionKey(SealBroken):
    """This process has another key than the one that the stored secrets are sealed with; nothing was changed."""

    message = (
        "ENCRYPTION_KEYS does not contain the key that the stored secrets are encrypted with, so nothing was changed. "
        "Put that key back. Only if it is gone for good, discard the secrets: stripe-bridge doctor --fix --discard-secrets"
    )


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

    def fingerprints(self) -> Sequence[str]:
        """One for each key, newest first: they distinguish keys and reveal nothing about them."""
        ...


def can_open(vault: Vault, sealed: str) -> bool:
    """Whether any of the configured keys opens it."""
    try:
        vault.open(sealed)
    except SealBroken:
        return False
    return True

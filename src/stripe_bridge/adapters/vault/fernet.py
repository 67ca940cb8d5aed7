"""The vault on Fernet keys."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from stripe_bridge.ports.vault import SealBroken


class FernetVault:
    """`keys` newest first. To rotate, put a new one before the others, reseal everything, then drop the old ones."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Raises ValueError, which says what to do and never shows a key."""
        if not keys:
            raise ValueError(f"At least one encryption key is needed. {_HOW_TO_GENERATE}")
        self._fernet = MultiFernet([_fernet(key, position) for position, key in enumerate(keys, start=1)])
        self._fingerprints = tuple(fingerprint_of(key) for key in keys)

    def fingerprints(self) -> Sequence[str]:
        return self._fingerprints

    def seal(self, secret: str) -> str:
        return self._fernet.encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise SealBroken from None

    def reseal(self, sealed: str) -> str:
        try:
            return self._fernet.rotate(sealed.encode()).decode()
        except InvalidToken:
            raise SealBroken from None


def new_key() -> str:
    """A new key for the vault."""
    return Fernet.generate_key().decode()


def fingerprint_of(key: str) -> str:
    """Safe to show: a key has 256 random bits, too many to find it by trying."""
    return hashlib.sha256(b"stripe-bridge encryption key:" + urlsafe_b64decode(key)).hexdigest()[:16]


_HOW_TO_GENERATE = "`stripe-bridge keys generate` prints a new one."


def _fernet(key: str, position: int) -> Fernet:
    try:
        return Fernet(key)
    except ValueError:
        raise ValueError(
            f"Encryption key {position} is not 32 bytes in URL-safe base64. {_HOW_TO_GENERATE}"
        ) from None

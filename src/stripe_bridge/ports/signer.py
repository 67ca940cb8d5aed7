"""Signatures on what we make at Stripe."""

from __future__ import annotations

from typing import Protocol

from stripe_bridge.domain.provenance import Signature


class Signer(Protocol):
    """Signs with the key in use. Verifies with every configured key, the retired ones too."""

    def sign(self, text: bytes) -> Signature: ...

    def verify(self, text: bytes, signature: Signature) -> bool:
        """Whether the key that the signature names made it. False for a key that is not configured."""
        ...

    def has_key(self, fingerprint: str) -> bool:
        """Whether a configured key has this fingerprint."""
        ...

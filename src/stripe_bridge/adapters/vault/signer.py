"""Signatures by keys that are derived from the encryption keys."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from stripe_bridge.adapters.vault.fernet import fingerprint_of
from stripe_bridge.domain.provenance import Signature

_KEY_BYTES = 32
_SIGNING = b"stripe-bridge/metadata-signature/1"


class HmacSigner:
    """`keys` newest first, of which the first signs; `retired` ones only verify.

    What signs is derived by HKDF: a signature, which anyone with access to the Stripe account can read, must say nothing about
    the key that seals secrets.
    """

    def __init__(self, keys: Sequence[str], retired: Sequence[str] = ()) -> None:
        self._newest = fingerprint_of(keys[0])
        self._keys = {fingerprint_of(key): _derive(key) for key in (*keys, *retired)}

    def sign(self, text: bytes) -> Signature:
        return Signature(self._newest, _hmac(self._keys[self._newest], text))

    def verify(self, text: bytes, signature: Signature) -> bool:
        key = self._keys.get(signature.key)
        return key is not None and hmac.compare_digest(
            _hmac(key, text).encode(), signature.value.encode("utf-8", "replace")
        )

    def has_key(self, fingerprint: str) -> bool:
        return fingerprint in self._keys


def _derive(key: str) -> bytes:
    material = base64.urlsafe_b64decode(key)
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=_SIGNING).derive(material)


def _hmac(key: bytes, text: bytes) -> str:
    return hmac.new(key, text, hashlib.sha256).hexdigest()

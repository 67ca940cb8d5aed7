"""A signer whose signatures stay readable, which helps when reading a failing test."""

from zlib import crc32

from stripe_bridge.domain.provenance import Signature


class FakeSigner:
    """Signs with `key`; verifies what `key` or one of `older` signed."""

    def __init__(self, key: str = "key-1", *older: str) -> None:
        self._key = key
        self._known = (key, *older)

    def sign(self, text: bytes) -> Signature:
        return Signature(self._key, _signature(self._key, text))

    def verify(self, text: bytes, signature: Signature) -> bool:
        return self.has_key(signature.key) and signature.value == _signature(signature.key, text)

    def has_key(self, fingerprint: str) -> bool:
        return fingerprint in self._known


def _signature(key: str, text: bytes) -> str:
    return f"signed({key}):{crc32(text):08x}"

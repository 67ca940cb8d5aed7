"""Zstandard for stored payloads: JSON becomes less than half as long, and faster than a database would do it.

RFC 8878. `zstd -d` reads it as well.
"""

from __future__ import annotations

import threading

import zstandard

# Every frame begins with this. Text cannot: the second byte would not be valid UTF-8 there.
_MAGIC = zstandard.FRAME_HEADER
# The quickest level that looks for more than immediate repetitions.
_LEVEL = 1


class _Codec(threading.local):
    """Creating one costs more than compressing a payload, and two threads must not use the same one at once."""

    def __init__(self) -> None:
        self.compress = zstandard.ZstdCompressor(level=_LEVEL).compress
        self.decompress = zstandard.ZstdDecompressor().decompress


_codec = _Codec()


def compressed(content: bytes) -> bytes:
    """Compress it; empty content stays empty."""
    return _codec.compress(content) if content else content


def decompressed(stored: bytes) -> bytes:
    """Decompress it. What is not compressed stays as it is, and so does what is damaged, which cannot pass for text.

    Raising an error here would fail the statement that reads it, and with it all the other rows.
    """
    if not stored.startswith(_MAGIC):
        return stored
    try:
        return _codec.decompress(stored)
    except (zstandard.ZstdError, MemoryError):
        return stored

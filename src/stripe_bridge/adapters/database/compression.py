"""Zstandard, as payloads are stored: JSON becomes less than half as long, and sooner than a database would do it.

RFC 8878. `zstd -d` reads it as well.
"""

from __future__ import annotations

import threading

import zstandard

# A frame begins with it. Text does not: as UTF-8 the second byte would have to follow another one.
_MAGIC = zstandard.FRAME_HEADER
# The quickest of those that look for more than what repeats at once.
_LEVEL = 1


class _Codec(threading.local):
    """Making one costs more than a payload does, and none may be used by two threads at once."""

    def __init__(self) -> None:
        self.compress = zstandard.ZstdCompressor(level=_LEVEL).compress
        self.decompress = zstandard.ZstdDecompressor().decompress


_codec = _Codec()


def compressed(content: bytes) -> bytes:
    """Nothing stays nothing."""
    return _codec.compress(content) if content else content


def decompressed(stored: bytes) -> bytes:
    """What is not compressed is what it is; so is what is damaged, which nobody takes for text.

    Raising here would fail the statement that read it, and with it all the other rows.
    """
    if not stored.startswith(_MAGIC):
        return stored
    try:
        return _codec.decompress(stored)
    except (zstandard.ZstdError, MemoryError):
        return stored

"""Which credentials were good the last time: a flood of made-up ones must not hold up those who have one."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any

KNOWN_CREDENTIALS = "stripe_bridge.known_credentials"
"""The key in a request's environ for the KnownCredentials of its process; missing under other servers."""
_MOST = 10_000


class KnownCredentials:
    """Their hashes, up to `most`; those that were used longest ago are forgotten first.

    This only decides how long a request waits: whether a credential is still good is checked each time.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._hashes: OrderedDict[bytes, None] = OrderedDict()
        self._most, self._mutex = most, Lock()

    def __contains__(self, credential: bytes) -> bool:
        return _hash(credential) in self._hashes

    def note(self, credential: bytes, *, is_good: bool) -> None:
        digest = _hash(credential)
        with self._mutex:
            self._hashes.pop(digest, None)
            if is_good:
                self._hashes[digest] = None
            if len(self._hashes) > self._most:
                self._hashes.popitem(last=False)


def credential_in(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A token, or the cookies, whatever they are worth; empty if a request shows neither."""
    shown = {name: value for name, value in headers if name in (b"authorization", b"cookie")}
    return shown.get(b"authorization") or shown.get(b"cookie", b"")


def note_credential(environ: Mapping[str, Any], *, is_good: bool) -> None:
    """What authenticating a request led to."""
    known: KnownCredentials | None = environ.get(KNOWN_CREDENTIALS)
    credential = environ.get("HTTP_AUTHORIZATION") or environ.get("HTTP_COOKIE", "")
    if known is not None and credential:
        known.note(credential.encode("latin-1"), is_good=is_good)


def _hash(credential: bytes) -> bytes:
    return hashlib.sha256(credential).digest()

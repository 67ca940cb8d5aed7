"""New names, unguessable."""

from __future__ import annotations

from typing import Protocol


class Identifiers(Protocol):
    def reference(self) -> str:
        """A new id, unique over all installations: at most 64 characters of [a-z0-9-]."""
        ...

    def secret(self) -> str:
        """A new bearer secret of 256 random bits, URL-safe."""
        ...

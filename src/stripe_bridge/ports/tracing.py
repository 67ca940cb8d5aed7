"""Tracing: what took how long, and what it was part of."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Fact = str | int
Note = Callable[[str, Fact], None]
"""Adds a fact to a span that has not ended."""


class Tracing(Protocol):
    """Never raises and never blocks. Names and facts are the caller's own words: no secrets, nothing from a payload."""

    def span(
        self, name: str, facts: dict[str, Fact], *, is_call: bool = False
    ) -> AbstractContextManager[Note]:
        """A span around one piece of work. `is_call`: another service does it, and we wait for the answer.

        Of an exception that passes through, only the type is recorded.
        """
        ...


class NoTracing:
    """Traces nothing."""

    def span(
        self, name: str, facts: dict[str, Fact], *, is_call: bool = False
    ) -> AbstractContextManager[Note]:
        return _NO_SPAN


def _ignore(_name: str, _fact: Fact) -> None:
    pass


_NO_SPAN = nullcontext(_ignore)

"""Tracing: what took how long, and as part of what."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

Fact = str | int
Note = Callable[[str, Fact], None]
"""Adds a fact to a span that is not over."""


class Tracing(Protocol):
    """Never raises, and waits for nobody. Names and facts are the caller's own words: no secrets, nothing of a payload."""

    def span(
        self, name: str, facts: dict[str, Fact], *, is_call: bool = False
    ) -> AbstractContextManager[Note]:
        """Around one piece of work. `is_call` when somebody else does it, and we wait for the answer.

        Of an exception that passes through only the type is kept.
        """
        ...

"""A tracing that keeps its spans."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from stripe_bridge.ports.tracing import Fact, Note


@dataclass(frozen=True)
class Span:
    """`parents` are the names of the spans around it, the nearest first."""

    name: str
    facts: dict[str, Fact]
    parents: tuple[str, ...]


class RecordingTracing:
    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._open: list[str] = []

    @contextmanager
    def span(self, name: str, facts: dict[str, Fact], *, is_call: bool = False) -> Iterator[Note]:
        span = Span(name, dict(facts), tuple(reversed(self._open)))
        self.spans.append(span)
        self._open.append(name)
        try:
            yield span.facts.__setitem__
        finally:
            self._open.pop()

"""Who is acting: said by the driving adapters, and taken over by every unit of work that begins meanwhile.

It follows the thread, or the task of an event loop, so that nothing in between has to pass it on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from stripe_bridge.domain.origin import SERVICE, Origin

_current: ContextVar[Origin] = ContextVar("origin", default=SERVICE)


def current_origin() -> Origin:
    return _current.get()


@contextmanager
def acting_as(origin: Origin) -> Iterator[None]:
    token = _current.set(origin)
    try:
        yield
    finally:
        _current.reset(token)


def act_as(origin: Origin) -> None:
    """For the rest of this thread's or task's context: where its end is somebody else's, as in a request."""
    _current.set(origin)

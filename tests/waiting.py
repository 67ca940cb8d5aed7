"""Waiting for something that happens in another thread or process, without guessing how long it takes."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


# Only what never happens waits so long: on a machine that is busy with other things, anything takes many times as long.
PATIENCE = 120.0
# Looking takes from what is waited for, so the pauses grow with the wait.
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.02, 0.25


def wait_until(condition: Callable[[], T], *, within: float = PATIENCE, every: float | None = None) -> T:
    """Return the condition's first truthy value. Raises AssertionError after `within` seconds without one.

    It is looked at less often the longer it takes, unless it is to be `every` so many seconds.
    """
    began = time.monotonic()
    while True:
        if value := condition():
            return value
        waited = time.monotonic() - began
        if waited > within:
            raise AssertionError(f"Still not so after {within:g} s: {condition!r}; last value {value!r}")
        time.sleep(every or min(max(waited / 10, _SHORTEST_PAUSE), _LONGEST_PAUSE))

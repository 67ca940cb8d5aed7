"""Waiting for something that happens in another thread or process, without guessing how long it takes."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


# Only what never happens waits so long: on a machine that is busy with other things, anything takes many times as long.
PATIENCE = 120.0
# Looking takes from what is waited for. So the pauses grow with the wait, up to this.
_LONGEST_PAUSE = 0.25


def wait_until(condition: Callable[[], T], *, within: float = PATIENCE, every: float = 0.02) -> T:
    """Return the condition's first truthy value. Raises AssertionError after `within` seconds without one.

    It is looked at every so many seconds at first, and less often later.
    """
    began = time.monotonic()
    while True:
        if value := condition():
            return value
        waited = time.monotonic() - began
        if waited > within:
            raise AssertionError(f"Still not so after {within:g} s: {condition!r}; last value {value!r}")
        time.sleep(max(every, min(waited / 10, _LONGEST_PAUSE)))

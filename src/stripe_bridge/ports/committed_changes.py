"""What this process has just recorded in the change log, for whoever waits for it here. Other processes are not heard of."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Listener = Callable[[Mapping[str, int]], None]


class CommittedChanges:
    """Called after each commit that recorded something, with the last number of each tenant's log.

    Listeners are called in the thread that has committed: they may neither block nor raise.
    """

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()

    def __call__(self, last: Mapping[str, int]) -> None:
        for listener in self._listeners:
            listener(last)

    def listen(self, listener: Listener) -> None:
        self._listeners = (*self._listeners, listener)

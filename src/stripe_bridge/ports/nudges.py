"""Waking the workers. The database is the queue, so a nudge may be lost, repeated or merged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from stripe_bridge.domain.errors.base import BridgeError


class BrokerUnavailable(BridgeError):
    """The queue's broker does not answer, or the workers in this process have stopped working."""

    message = "The queue is temporarily unavailable."


class Nudges(Protocol):
    """A nudge does not raise if no worker can be reached: sweeps find the work without it."""

    def inbox(self, *, deferred: bool = False) -> None:
        """There are events to apply. `deferred` is for an event loop: it never blocks, and takes effect a moment
        later."""
        ...

    def intents(self) -> None:
        """There are intents to settle."""
        ...

    def depths(self) -> Mapping[str, int]:
        """How many nudges no worker has received yet, by job. Raises BrokerUnavailable."""
        ...

    def check(self) -> None:
        """Raises BrokerUnavailable."""
        ...

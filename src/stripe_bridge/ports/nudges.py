"""Waking the workers. The database is the truth and the queue: a nudge may be lost, repeated or merged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from stripe_bridge.domain.errors import BridgeError


class BrokerUnavailable(BridgeError):
    """The queue's broker does not answer, or the workers in this process do not work."""

    message = "The queue is temporarily unavailable."


class Nudges(Protocol):
    """A nudge never raises when nobody can be reached: a sweeper needs none."""

    def inbox(self, *, soon: bool = False) -> None:
        """There are events to apply. `soon` is for an event loop: the caller waits for nobody, a moment passes maybe."""
        ...

    def intents(self) -> None:
        """There are intents to settle."""
        ...

    def depths(self) -> Mapping[str, int]:
        """How many nudges nobody has heard yet, by job. Raises BrokerUnavailable."""
        ...

    def check(self) -> None:
        """Raises BrokerUnavailable."""
        ...

"""Nudges that remember which jobs workers would be woken for."""

from collections.abc import Mapping

from stripe_bridge.ports.nudges import BrokerUnavailable


class FakeNudges:
    """`waiting` has each nudged job's name once. `is_available = False` makes the broker unavailable."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.is_available = True

    def inbox(self, *, deferred: bool = False) -> None:
        self._nudge("drain_inbox")

    def intents(self) -> None:
        self._nudge("settle_intents")

    def depths(self) -> Mapping[str, int]:
        self.check()
        return {"drain_inbox": 0, "settle_intents": 0} | dict.fromkeys(self.waiting, 1)

    def check(self) -> None:
        if not self.is_available:
            raise BrokerUnavailable

    def _nudge(self, job: str) -> None:
        if self.is_available and job not in self.waiting:
            self.waiting.append(job)

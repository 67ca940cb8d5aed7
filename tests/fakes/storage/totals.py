"""Fake totals."""

from collections.abc import Sequence

from stripe_bridge.ports.storage.totals import TotalError


class FakeTotals:
    """Does nothing: lists in memory are counted whenever they are read."""

    def compact(self) -> bool:
        return False

    def errors(self, integration_id: int) -> Sequence[TotalError]:
        return []

    def correct(self, errors: Sequence[TotalError]) -> None:
        assert not errors

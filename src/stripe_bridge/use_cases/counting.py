"""Counting: the upkeep of the totals that lists show."""

from __future__ import annotations

import logging

from stripe_bridge.ports.unit_of_work import Store

_log = logging.getLogger(__name__)


class FoldCounts:
    """Make what changed part of the totals; whether there was more than is folded at once. Any number may do so at once."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self) -> bool:
        with self._store.writing() as work:
            is_more = work.counts.fold()
            work.commit()
        return is_more


class CheckCounts:
    """Count an integration's rows one by one, and set its totals right; how many were wrong.

    Not to be run twice at once for the same integration: each would make up for the difference.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, integration_id: int) -> int:
        with self._store.reading() as work:
            miscounts = work.counts.miscounts(integration_id)
        if miscounts:
            _log.warning(
                "totals were wrong", extra={"integration_id": integration_id, "totals": len(miscounts)}
            )
            with self._store.writing() as work:
                work.counts.correct(miscounts)
                work.commit()
        return len(miscounts)

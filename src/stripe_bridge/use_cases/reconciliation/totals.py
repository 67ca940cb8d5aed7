"""The totals that lists show: adding recorded changes to them, and verifying them against the rows."""

from __future__ import annotations

import logging

from stripe_bridge.ports.storage.totals import HOURS
from stripe_bridge.ports.storage.unit_of_work import Store

_log = logging.getLogger(__name__)


class CompactTotals:
    """Add the recorded changes to the totals. Returns whether there are more. Any number of workers may do so at once."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self) -> bool:
        with self._store.writing() as work:
            is_more = work.totals.compact()
            work.commit()
        return is_more


class VerifyTotals:
    """Count an integration's rows one by one, and correct its totals. Returns how many of lists were wrong.

    Sums by the hour are corrected, too, which is how those come about of hours before they were kept: no fault of anybody.

    Must not run twice at the same time for one integration: both would add the difference.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, integration_id: int) -> int:
        with self._store.reading() as work:
            errors = work.totals.errors(integration_id)
        if not errors:
            return 0
        hours = sum(error.of == HOURS for error in errors)
        totals = len(errors) - hours
        if totals:
            _log.warning("totals corrected", extra={"integration_id": integration_id, "totals": totals})
        if hours:
            _log.info("hourly sums corrected", extra={"integration_id": integration_id, "sums": hours})
        with self._store.writing() as work:
            work.totals.correct(errors)
            work.commit()
        return totals

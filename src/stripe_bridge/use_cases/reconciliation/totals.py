"""The totals that lists show: adding recorded changes to them, and verifying them against the rows."""

from __future__ import annotations

import logging

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
    """Count an integration's rows one by one, and correct its totals. Returns how many were wrong.

    Must not run twice at the same time for one integration: both would add the difference.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, integration_id: int) -> int:
        with self._store.reading() as work:
            errors = work.totals.errors(integration_id)
        if errors:
            facts = {"integration_id": integration_id, "totals": len(errors)}
            _log.warning("totals corrected", extra=facts)
            with self._store.writing() as work:
                work.totals.correct(errors)
                work.commit()
        return len(errors)

"""What can be known before a service goes live: one check after the other, in a line each. Nothing is changed anywhere."""

from __future__ import annotations

from stripe_bridge.domain.going_live import Check, Outcome
from stripe_bridge.use_cases.operations.going_live_here import CheckHere, Evidence
from stripe_bridge.use_cases.operations.going_live_stripe import CheckAtStripe


class CheckBeforeGoingLive:
    def __init__(self, here: CheckHere, at_stripe: CheckAtStripe) -> None:
        self._here, self._at_stripe = here, at_stripe

    def __call__(self, evidence: Evidence) -> list[Check]:
        """Without a usable database, only that: nearly all else is compared with what it holds."""
        database, *others = self._here(evidence)
        if database.outcome is Outcome.FAIL:
            return [database]
        return [database, *others, *self._at_stripe()]

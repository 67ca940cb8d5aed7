"""Whether what an invoice counts for is known from Stripe itself, or only from an event about it.

An event may be forged, or wrong; and a paid invoice is never looked at again. So Stripe is read once.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

# The other events about the same payment come first: one reading is then enough.
CONFIRM_AFTER = timedelta(seconds=10)
# After a first failure, and at most. In between, as long again as it has been waiting already.
MIN_DELAY, MAX_DELAY = timedelta(seconds=30), timedelta(hours=1)
# What Stripe does not show at all is rarely there the next time.
MISSING_DELAY = timedelta(days=1)


class Settlement(StrEnum):
    UNCONFIRMED = "unconfirmed"
    CONFIRMED = "confirmed"


def delay_after(waited: timedelta) -> timedelta:
    """How long to wait before Stripe is asked again, after it could not be read for so long."""
    return min(max(waited, MIN_DELAY), MAX_DELAY)

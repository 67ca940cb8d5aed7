"""How far the host's clock may be off before it matters."""

from __future__ import annotations

from enum import IntEnum

# In seconds: two hosts that are synchronized differ by far less; and half of Stripe's tolerance of 300 s for signatures.
NOTICEABLE, LIMIT = 30.0, 150.0
REMEDY = "synchronize the host's clock (NTP), then restart this process"


class Skew(IntEnum):
    NONE = 0
    NOTICEABLE = 1
    TOO_LARGE = 2

    @classmethod
    def of(cls, seconds: float) -> Skew:
        if abs(seconds) > LIMIT:
            return cls.TOO_LARGE
        return cls.NOTICEABLE if abs(seconds) > NOTICEABLE else cls.NONE


def describe_skew(seconds: float) -> str | None:
    """What to tell an operator; None if there is nothing to tell."""
    skew = Skew.of(seconds)
    if skew is Skew.NONE:
        return None
    what = f"the host's clock is {abs(seconds):.0f} s {'fast' if seconds > 0 else 'slow'}"
    return f"{what}; this process makes no calls that change something" if skew is Skew.TOO_LARGE else what

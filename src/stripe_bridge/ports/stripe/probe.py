"""What Stripe lets us do, found out without changing anything there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyProbe:
    """`account_id` is the platform's, None if the key may not know it. `may_charge` says whether that account is activated.

    `refused` has Stripe's words by what the key may not read. `time` is Stripe's when it answered.
    """

    account_id: str | None
    may_charge: bool
    refused: Mapping[str, str]
    time: datetime | None


class StripeProbe(Protocol):
    """Every call may raise GatewayError."""

    def key(self, account_id: str | None) -> KeyProbe:
        """Read one object of each kind that this service reads, in that account; None is the platform's own."""
        ...

    def refusal_of_consent(self, redirect_uri: str) -> str | None:
        """Why a merchant would see an error instead of Stripe's consent page; None if there is the page."""
        ...

"""How long the links to an invoice at Stripe work. Each reading of the invoice makes new ones.

https://docs.stripe.com/invoicing/hosted-invoice-page
"""

from __future__ import annotations

from datetime import datetime, timedelta

_AFTER_DUE = timedelta(days=30)
_LONGEST = timedelta(days=120)
_SHORTEST = timedelta(days=10)
# Links that end sooner than this are renewed.
_RENEWED_WITHIN = timedelta(days=7)
# A link that Stripe did not renew when it was asked is shown as it is for this long, before Stripe is asked again.
ASKED_AT_MOST_EVERY = timedelta(hours=1)


def links_expire_at(made_at: datetime, due_date: datetime | None) -> datetime:
    """30 days after the due date, at the latest 120 days after they were made; but no link is made for less than ten days."""
    wanted = (made_at if due_date is None else due_date) + _AFTER_DUE
    return max(made_at + _SHORTEST, min(wanted, made_at + _LONGEST))


def end_soon(expires_at: datetime, now: datetime) -> bool:
    return expires_at - now < _RENEWED_WITHIN

"""Stripe's list of events, as bodies like those of webhooks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from stripe_bridge.adapters.stripe_gateway.client import StripeCalls, StripeConfig, TokenFor

_PAGE = 100


class StripeEventGateway:
    def __init__(self, config: StripeConfig, token_for: TokenFor | None = None) -> None:
        self._stripe = StripeCalls(config, token_for)

    def pages_since(self, account_id: str, since: datetime) -> Iterator[Sequence[bytes]]:
        params: dict[str, Any] = {"created": {"gte": int(since.timestamp())}, "limit": _PAGE}
        more = True
        while more:
            with self._stripe.lookup(account_id) as options:
                found = self._stripe.get("/v1/events", params, options)
                page = [_body(event, account_id) for event in found["data"]]
                more = found["has_more"] and bool(page)
                if more:
                    # Events created meanwhile are listed before the cursor: nothing is seen twice or missed.
                    params["starting_after"] = found["data"][-1]["id"]
            yield page


def _body(event: dict[str, Any], account_id: str) -> bytes:
    """Unlike a webhook, the list does not say whose events these are."""
    return json.dumps(event | {"account": account_id}).encode()

"""Webhook endpoints at Stripe, pinned to the API version of the SDK."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from stripe_bridge.adapters.stripe_gateway import snapshots
from stripe_bridge.adapters.stripe_gateway.client import API_VERSION, StripeCalls, StripeConfig, TokenFor
from stripe_bridge.domain.stripe_objects import WebhookEndpoint
from stripe_bridge.ports.stripe.errors import ObjectMissing


# The SDK types event names and versions as literals, and ours are plain strings: hence Any.
class StripeReceiverGateway:
    def __init__(self, config: StripeConfig, token_for: TokenFor | None = None) -> None:
        self._stripe = StripeCalls(config, token_for)

    @property
    def api_version(self) -> str:
        return API_VERSION

    def create_endpoint(
        self,
        *,
        account_id: str | None,
        url: str,
        connect: bool,
        events: frozenset[str],
        metadata: Mapping[str, str],
        key: str,
    ) -> WebhookEndpoint:
        with self._stripe.change(account_id, key) as options:
            created = self._stripe.v1.webhook_endpoints.create(
                {
                    "url": url,
                    "connect": connect,
                    "enabled_events": _listed(events),
                    # Left out, the payloads would follow the account's own default version.
                    "api_version": cast("Any", API_VERSION),
                    "metadata": dict(metadata),
                },
                options,
            )
            return snapshots.endpoint(created)

    def endpoints(self, account_id: str | None) -> Sequence[WebhookEndpoint]:
        with self._stripe.lookup(account_id) as options:
            found = self._stripe.v1.webhook_endpoints.list({"limit": 100}, options)
            return [snapshots.endpoint(each) for each in found.auto_paging_iter()]

    def repair_endpoint(
        self, *, account_id: str | None, endpoint_id: str, url: str, events: frozenset[str]
    ) -> WebhookEndpoint:
        with self._stripe.change(account_id) as options:
            repaired = self._stripe.v1.webhook_endpoints.update(
                endpoint_id, {"url": url, "enabled_events": _listed(events), "disabled": False}, options
            )
            return snapshots.endpoint(repaired)

    def delete_endpoint(self, *, account_id: str | None, endpoint_id: str) -> None:
        try:
            with self._stripe.change(account_id) as options:
                self._stripe.v1.webhook_endpoints.delete(endpoint_id, {}, options)
        except ObjectMissing:
            return


def _listed(events: frozenset[str]) -> list[Any]:
    """In a stable order, since repeating an idempotency key requires identical parameters."""
    return sorted(events)

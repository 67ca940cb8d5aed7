"""Webhook endpoints at Stripe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from stripe_bridge.domain.stripe_objects import WebhookEndpoint


class ReceiverGateway(Protocol):
    """Every call may raise GatewayError. `account_id` None is the platform itself."""

    @property
    def api_version(self) -> str:
        """That which every endpoint is pinned to."""
        ...

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
        """With its secret, which Stripe tells this once. Raises GatewayRefused where Stripe allows none.

        On a connected account Stripe normally allows none to a Connect platform.
        """
        ...

    def endpoints(self, account_id: str | None) -> Sequence[WebhookEndpoint]:
        """All of them, without secrets."""
        ...

    def repair_endpoint(
        self, *, account_id: str | None, endpoint_id: str, url: str, events: frozenset[str]
    ) -> WebhookEndpoint:
        """Point it at `url`, give it these events, and enable it. Its API version cannot change."""
        ...

    def delete_endpoint(self, *, account_id: str | None, endpoint_id: str) -> None:
        """One that is gone already is success."""
        ...

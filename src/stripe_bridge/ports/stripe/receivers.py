"""Webhook endpoints at Stripe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from stripe_bridge.domain.stripe_objects import WebhookEndpoint


class ReceiverGateway(Protocol):
    """Every call may raise GatewayError. `account_id` None is the platform itself."""

    @property
    def api_version(self) -> str:
        """The API version that every endpoint is pinned to."""
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
        """Returns it with its secret, which Stripe shows only this once. Raises GatewayRefused if Stripe does not allow it.

        Stripe normally does not let a Connect platform create one on a connected account.
        """
        ...

    def endpoints(self, account_id: str | None) -> Sequence[WebhookEndpoint]:
        """All of them, without secrets. Raises GatewayRefused if Stripe does not allow it, as for `create_endpoint`."""
        ...

    def repair_endpoint(
        self, *, account_id: str | None, endpoint_id: str, url: str, events: frozenset[str]
    ) -> WebhookEndpoint:
        """Point it at `url`, give it these events, and enable it. Its API version cannot change."""
        ...

    def delete_endpoint(self, *, account_id: str | None, endpoint_id: str) -> None:
        """If it is already gone, that is a success."""
        ...

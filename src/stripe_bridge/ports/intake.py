"""Where webhooks come in, many at a time."""

from __future__ import annotations

from typing import Protocol

from stripe_bridge.domain.webhook_event import WebhookEvent


class Intake(Protocol):
    """Belongs to one event loop."""

    async def receive(self, event: WebhookEvent) -> bool:
        """Like `Inbox.store`, and committed when it returns: alone, or together with what others receive at the same time.

        Raises StoreUnavailable; the event may have been stored even so.
        """
        ...

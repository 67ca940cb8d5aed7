"""Delivering messages to addresses that tenants name: where they may go, over HTTP, signed by Standard Webhooks."""

from stripe_bridge.adapters.deliveries.guard import Guard
from stripe_bridge.adapters.deliveries.http import HttpDeliveries

__all__ = ["Guard", "HttpDeliveries"]

"""A receiver: our URL for Stripe's events, with the signing secret of the endpoint behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from stripe_bridge.domain.stripe_objects import WebhookEndpoint

# What receivers subscribe to at Stripe. Who handles each type, and why some others are handled, too, stands in
# `use_cases/webhook_events/handlers/table.py`; a test compares the two.
SUBSCRIBED_EVENTS = frozenset(
    {
        "account.application.deauthorized",
        "account.updated",
        "charge.dispute.closed",
        "charge.dispute.created",
        "charge.dispute.funds_reinstated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.failed",
        "charge.refunded",
        "charge.succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.completed",
        "credit_note.created",
        "credit_note.updated",
        "credit_note.voided",
        "invoice.deleted",
        "invoice.finalization_failed",
        "invoice.finalized",
        "invoice.marked_uncollectible",
        "invoice.overdue",
        "invoice.overpaid",
        "invoice.paid",
        "invoice.payment_failed",
        "invoice.sent",
        "invoice.updated",
        "invoice.voided",
        "invoice_payment.paid",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "refund.created",
        "refund.failed",
        "refund.updated",
    }
)


class ReceiverKind(StrEnum):
    """Whose events it gets: the platform's own, those of all connected accounts, or those of one account."""

    PLATFORM = "platform"
    CONNECT = "connect"
    ACCOUNT = "account"


# There is at most one of each.
PLATFORM_KINDS = (ReceiverKind.PLATFORM, ReceiverKind.CONNECT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """`stripe_endpoint_id` is None where the endpoint was made by hand and only its secret was pasted."""

    id: int
    kind: ReceiverKind
    integration_id: int | None
    stripe_endpoint_id: str | None
    url: str
    sealed_secret: str = field(repr=False)
    enabled: bool
    created_at: datetime
    checked_at: datetime


def account_receiver_url(url: str, integration_id: int) -> str:
    """The address of an account's own receiver, given the platform's."""
    return f"{url}/{integration_id}"


def endpoint_problems(endpoint: WebhookEndpoint, url: str, api_version: str) -> list[str]:
    """What keeps an endpoint at Stripe from sending us our events, in words; empty if nothing does."""
    problems = []
    if endpoint.url != url:
        problems.append(f"it points to {endpoint.url}, not to {url}")
    if not endpoint.enabled:
        problems.append("Stripe has disabled it")
    if endpoint.api_version != api_version:
        problems.append(f"it uses API version {endpoint.api_version}, not {api_version}")
    missing = SUBSCRIBED_EVENTS - endpoint.enabled_events
    if missing and "*" not in endpoint.enabled_events:
        problems.append("it is not subscribed to " + ", ".join(sorted(missing)))
    return problems

"""Judging a webhook event: whether it concerns us at all, and if so what its handler makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.intent import account_subject
from stripe_bridge.domain.webhook_event import SkipReason, StripeEvent, WebhookEvent
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.ports.tracing import Fact, Tracing
from stripe_bridge.use_cases.webhook_events.handlers.handler import (
    Applied,
    Fetched,
    HandlerResult,
    HandlerTable,
    NeedsRefetch,
    Skipped,
)

Owners = dict[int | None, Integration | None]


class DispatchEvents:
    """Apply an event and return what became of it; NeedsRefetch, with nothing changed, if Stripe has to be asked first."""

    def __init__(self, table: HandlerTable, tracing: Tracing) -> None:
        self._table, self._tracing = table, tracing

    def __call__(
        self,
        work: UnitOfWork,
        event: WebhookEvent,
        parsed: StripeEvent,
        fetched: Fetched[Any] | None,
        now: datetime,
    ) -> WebhookEvent | NeedsRefetch:
        return _settled(event, self._verdict(work, event, parsed, fetched, {}), now)

    def together(
        self, work: UnitOfWork, events: Sequence[tuple[WebhookEvent, StripeEvent]], now: datetime
    ) -> list[WebhookEvent]:
        """Apply those of the events that need not ask Stripe, and return what became of them."""
        work.prefetch([pair for event, parsed in events for pair in _links_of(event, parsed)])
        owners: Owners = {}
        outcomes = (
            _settled(event, self._verdict(work, event, parsed, None, owners), now) for event, parsed in events
        )
        return [outcome for outcome in outcomes if not isinstance(outcome, NeedsRefetch)]

    def _verdict(
        self,
        work: UnitOfWork,
        event: WebhookEvent,
        parsed: StripeEvent,
        fetched: Fetched[Any] | None,
        owners: Owners,
    ) -> HandlerResult:
        """`owners` caches the integrations within one transaction."""
        handler = self._table.handlers.get(event.event_type)
        if handler is None:
            return Skipped(SkipReason.UNKNOWN_TYPE)
        if event.integration_id is None:
            return Skipped(SkipReason.NO_INTEGRATION)
        # Receiving has already checked this and the next, but a replay brings back what it skipped.
        if parsed.account not in (None, event.account_id):
            return Skipped(SkipReason.OTHER_ACCOUNT)
        if event.integration_id not in owners:
            owners[event.integration_id] = work.integrations.find(event.integration_id)
        integration = owners[event.integration_id]
        if integration is not None and event.livemode is not integration.livemode:
            return Skipped(SkipReason.OTHER_LIVEMODE)
        if event.event_type not in self._table.applies_when_disconnected and not _is_followed(
            work, integration, event
        ):
            return Skipped(SkipReason.DISCONNECTED)
        with self._tracing.span(f"apply {parsed.type}", _span_facts(event, parsed)) as note:
            verdict = handler.apply(work, event.account_id, parsed, fetched)
            note("event.verdict", type(verdict).__name__)
        return verdict

    def fetch(self, event: WebhookEvent, parsed: StripeEvent) -> Any:
        """What the event's handler needs from Stripe, outside any transaction. May raise GatewayError."""
        handler = self._table.handlers[event.event_type]
        with self._tracing.span(f"fetch for {parsed.type}", _span_facts(event, parsed)):
            return handler.fetch(event.account_id, parsed)


def _is_followed(work: UnitOfWork, integration: Integration | None, event: WebhookEvent) -> bool:
    """Whether the integration is connected to the event's account, or has left it but Stripe does not know that yet; or
    another integration is connected to it by now, which also gets the events of this one's invoices.
    """
    is_its = integration is not None and integration.account_id == event.account_id
    if integration is not None and is_its and integration.connected:
        return True
    holder = work.integrations.find_by_account(event.account_id)
    if holder is not None and holder.connected:
        return True
    return is_its and work.intents.find_unsettled(account_subject(event.account_id)) is not None


def _settled(event: WebhookEvent, verdict: HandlerResult, now: datetime) -> WebhookEvent | NeedsRefetch:
    if isinstance(verdict, NeedsRefetch):
        return verdict
    return event.processed(now) if isinstance(verdict, Applied) else event.skipped(verdict.reason, now)


def _links_of(event: WebhookEvent, parsed: StripeEvent) -> list[tuple[str, str]]:
    """The links by which the event's invoice may be known."""
    ids = (event.related_object_id, parsed.invoice_id, parsed.payment_intent_id, parsed.charge_id)
    return [(event.account_id, id_) for id_ in ids if id_ is not None]


def _span_facts(event: WebhookEvent, parsed: StripeEvent) -> dict[str, Fact]:
    return {"stripe.event": parsed.id, "stripe.account": event.account_id}

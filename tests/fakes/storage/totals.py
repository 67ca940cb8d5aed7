"""Fake totals."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from stripe_bridge.domain.hourly_sums import HourlySum, Measure, hour_of
from stripe_bridge.domain.webhook_event import EventStatus
from stripe_bridge.ports.storage.totals import TotalError
from tests.fakes.storage.tables import Tables

Counted = tuple[int | None, Measure, str, datetime, int]


class FakeTotals:
    """Keeps none: lists in memory are counted whenever they are read."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def compact(self) -> bool:
        return False

    def by_hour(self, tenant_id: str | None, since: datetime) -> Sequence[HourlySum]:
        found: Counter[tuple[datetime, Measure, str]] = Counter()
        for integration_id, measure, currency, moment, number in self._all():
            owner = self._tables.integrations.rows.get(integration_id or 0)
            is_theirs = tenant_id is None or (owner is not None and owner.tenant_id == tenant_id)
            if is_theirs and hour_of(moment) >= since:
                found[hour_of(moment), measure, currency] += number
        return [
            HourlySum(hour=hour, measure=measure, currency=currency, number=number)
            for (hour, measure, currency), number in sorted(found.items())
            if number
        ]

    def _all(self) -> Iterator[Counted]:
        for event in self._tables.events.rows.values():
            yield event.integration_id, Measure.WEBHOOKS, "", event.created_at, 1
            if event.status is EventStatus.PROCESSED and event.processed_at is not None:
                yield event.integration_id, Measure.APPLIED, "", event.processed_at, 1
        invoices = self._tables.invoices.rows
        for invoice in invoices.values():
            if invoice.sent_at is not None and invoice.finalized_at is not None:
                yield invoice.integration_id, Measure.SENT, "", invoice.finalized_at, 1
        for payment in self._tables.payments.rows.values():
            invoice = invoices[payment.invoice_id]
            if payment.is_refundable_kind and payment.paid_at is not None:
                yield (
                    invoice.integration_id,
                    Measure.MONEY_IN,
                    invoice.currency,
                    payment.paid_at,
                    payment.amount_paid,
                )
        for refund in self._tables.refunds.rows.values():
            invoice = invoices[refund.invoice_id]
            if refund.is_effective:
                yield (
                    invoice.integration_id,
                    Measure.REFUNDED,
                    invoice.currency,
                    refund.created_at,
                    refund.amount,
                )

    def errors(self, integration_id: int) -> Sequence[TotalError]:
        return []

    def correct(self, errors: Sequence[TotalError]) -> None:
        assert not errors

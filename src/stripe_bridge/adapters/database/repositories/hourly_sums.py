"""Sums by the hour, as they are kept, and as the rows themselves have them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    String,
    Table,
    bindparam,
    func,
    literal,
    select,
    type_coerce,
    union_all,
)

from stripe_bridge.adapters.database.mapping import table_of
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.accounts import IntegrationRow
from stripe_bridge.adapters.database.tables.inbox import IS_AWAITING, IS_DONE, WebhookEventRow
from stripe_bridge.adapters.database.tables.invoicing import InvoiceRow
from stripe_bridge.adapters.database.tables.payments import PaymentRow, RefundRow
from stripe_bridge.adapters.database.types import Choice, UtcDateTime
from stripe_bridge.domain.hourly_sums import HourlySum, Measure
from stripe_bridge.domain.refund import RefundState
from stripe_bridge.domain.webhook_event import EventStatus

_EVENT, _INVOICE = table_of(WebhookEventRow).c, table_of(InvoiceRow).c
_PAYMENT, _REFUND = table_of(PaymentRow).c, table_of(RefundRow).c
_INTEGRATION = table_of(IntegrationRow).c
_NUMBER = func.count()
_EFFECTIVE = (RefundState.PENDING, RefundState.REQUIRES_ACTION, RefundState.SUCCEEDED)


def read_by_hour(
    transaction: Transaction, sums: Table, changes: Table, tenant_id: str | None, since: datetime
) -> Sequence[HourlySum]:
    """What is kept, what is still to be added to it, and the webhooks that are waiting, which are not kept."""
    hour = _hour(_EVENT.created_at, is_sqlite=transaction.is_sqlite)
    parts: list[Select[Any]] = [
        *(
            select(table.c.measure, table.c.currency, table.c.hour, table.c.number).where(
                table.c.hour >= since, table.c.integration_id.in_(_integrations_of(tenant_id))
            )
            for table in (sums, changes)
        ),
        select(_typed(Measure.WEBHOOKS), literal("").label("currency"), hour, _NUMBER.label("number"))
        .where(IS_AWAITING, _EVENT.created_at >= since, *_waiting_of(tenant_id))
        .group_by(hour),
    ]
    found = union_all(*parts).subquery()
    by = found.c.hour, found.c.measure, found.c.currency
    number = func.sum(found.c.number)
    statement = select(*by, number.label("number")).group_by(*by).having(number != 0).order_by(*by)
    return [
        HourlySum(hour=each.hour, measure=each.measure, currency=each.currency, number=int(each.number))
        for each in transaction.execute(statement)
    ]


def rows_by_hour(*, is_sqlite: bool) -> CompoundSelect[Any]:
    """The sums of an integration, of the rows themselves: what the triggers say, once more."""
    created, processed = (_hour(_EVENT[name], is_sqlite=is_sqlite) for name in ("created_at", "processed_at"))
    sent, paid = (_hour(each, is_sqlite=is_sqlite) for each in (_INVOICE.finalized_at, _PAYMENT.paid_at))
    refunded = _hour(_REFUND.created_at, is_sqlite=is_sqlite)
    is_processed = _EVENT.status == EventStatus.PROCESSED, _EVENT.processed_at.is_not(None)
    is_sent = _INVOICE.sent_at.is_not(None), _INVOICE.finalized_at.is_not(None)
    is_collected = (
        _PAYMENT.status == "paid",
        _PAYMENT.paid_at.is_not(None),
        _PAYMENT.payment_intent_id.is_not(None) | _PAYMENT.charge_id.is_not(None),
    )
    of_invoice = _INVOICE.id == _PAYMENT.invoice_id, _INVOICE.id == _REFUND.invoice_id
    parts = [
        (_EVENT.integration_id, Measure.WEBHOOKS, None, created, _NUMBER, (IS_DONE,)),
        (_EVENT.integration_id, Measure.APPLIED, None, processed, _NUMBER, is_processed),
        (_INVOICE.integration_id, Measure.SENT, None, sent, _NUMBER, is_sent),
        (
            _INVOICE.integration_id,
            Measure.MONEY_IN,
            _INVOICE.currency,
            paid,
            func.sum(_PAYMENT.amount_paid),
            (of_invoice[0], *is_collected),
        ),
        (
            _INVOICE.integration_id,
            Measure.REFUNDED,
            _INVOICE.currency,
            refunded,
            func.sum(_REFUND.amount),
            (of_invoice[1], _REFUND.state.in_(_EFFECTIVE)),
        ),
    ]
    return union_all(*(_of_integration(*part) for part in parts))


def _of_integration(
    integration_id: ColumnElement[Any],
    measure: Measure,
    currency: ColumnElement[Any] | None,
    hour: ColumnElement[Any],
    number: ColumnElement[Any],
    conditions: Sequence[Any],
) -> Select[Any]:
    shown = literal("") if currency is None else currency
    grouped = (integration_id, hour) if currency is None else (integration_id, hour, currency)
    return (
        select(integration_id, hour, _typed(measure), shown.label("currency"), number.label("number"))
        .where(integration_id == bindparam("integration_id"), *conditions)
        .group_by(*grouped)
    )


def _typed(measure: Measure) -> ColumnElement[Any]:
    return literal(measure, Choice(Measure)).label("measure")


def _integrations_of(tenant_id: str | None) -> Select[Any] | CompoundSelect[Any]:
    """By id even if they are all, so that of each only the hours are read that are asked for."""
    if tenant_id is None:
        return union_all(select(_INTEGRATION.id), select(literal(0)))
    return select(_INTEGRATION.id).where(_INTEGRATION.tenant_id == tenant_id)


def _waiting_of(tenant_id: str | None) -> list[ColumnElement[bool]]:
    return [] if tenant_id is None else [_EVENT.tenant_id == tenant_id]


def _hour(moment: ColumnElement[Any], *, is_sqlite: bool) -> ColumnElement[Any]:
    """As the triggers have it."""
    if is_sqlite:
        begun = func.substr(type_coerce(moment, String), 1, 13).concat(":00:00.000000")
    else:
        begun = func.date_trunc("hour", moment, "UTC")
    return type_coerce(begun, UtcDateTime()).label("hour")

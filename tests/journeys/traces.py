"""Everything that a journey leaves behind: rows here, objects at Stripe."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy

from stripe_bridge.adapters.database import create_engine
from stripe_bridge.adapters.database.tables.accounts import IntegrationRow
from stripe_bridge.adapters.database.tables.base import Row
from stripe_bridge.adapters.database.tables.inbox import WebhookEventRow
from stripe_bridge.adapters.database.tables.intents import IS_UNSETTLED, IntentRow
from stripe_bridge.adapters.database.tables.invoicing import InvoiceRow
from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.webhook_event import EventStatus
from tests.journeys.stack import Stack
from tests.waiting import wait_until

# Not compared: tokens, which tests create; first answers, which are stored even for refusals; probes, which only show that
# writing works; deliveries to former tests' subscribers, which are tried again; and totals, sums, traces, the log's ends, and
# how far workers are with checking it, which follow from rows that are compared.
_NO_EFFECT = {
    "act_windows",
    "api_tokens",
    "change_backfill",
    "change_checks",
    "change_heads",
    "event_count_changes",
    "event_counts",
    "hourly_sum_changes",
    "hourly_sums",
    "idempotent_requests",
    "invoice_count_changes",
    "invoice_counts",
    "probes",
    "request_traces",
    "subscriber_deliveries",
}
# What workers note at any time of attempts that fail: to deliver to former tests' subscribers, and to confirm what was paid on
# an account that is no longer connected.
_OF_ATTEMPTS = {
    "invoices": {"confirm_due_at"},
    "subscribers": {
        "failing_since",
        "failures",
        "last_error",
        "lease",
        "leased_until",
        "next_attempt_at",
        "version",
    },
}
_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
# By an account that we can still read.
_AWAITS_CONFIRMATION = InvoiceRow.confirm_due_at.is_not(None) & InvoiceRow.stripe_account_id.in_(
    sqlalchemy.select(IntegrationRow.account_id).where(IntegrationRow.connected)
)
_COUNT = sqlalchemy.select(sqlalchemy.func.count())
_UNFINISHED = (
    _COUNT.where(WebhookEventRow.status.in_([EventStatus.RECEIVED, EventStatus.PROCESSING])),
    _COUNT.select_from(IntentRow).where(IS_UNSETTLED),
    _COUNT.select_from(InvoiceRow).where(_AWAITS_CONFIRMATION),
)
# Stripe makes these links anew whenever the invoice is read.
_LINKS = {"hosted_invoice_url", "invoice_pdf"}
_AT_STRIPE = (
    "accounts",
    "charges",
    "connections",
    "customers",
    "events",
    "invoice_payments",
    "invoices",
    "payment_intents",
    "refunds",
    "webhook_endpoints",
)


class Traces:
    """Looks from outside, directly into the database and the emulator."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._engine = create_engine(stack.database_url)
        self._tables = {
            table.name: _what_is_compared(table)
            for table in Row.metadata.sorted_tables
            if table.name not in _NO_EFFECT
        }

    def close(self) -> None:
        self._engine.dispose()

    def execute(self, statement: sqlalchemy.Executable) -> None:
        """Change a row behind the service's back, as time does not pass in a test."""
        with self._engine.begin() as connection:
            connection.execute(statement)

    def rest(self) -> None:
        """Wait until nothing changes any more."""
        # Otherwise what was paid just now would be confirmed in ten seconds, in the middle of a test.
        self.execute(
            sqlalchemy.update(InvoiceRow).where(_AWAITS_CONFIRMATION).values(confirm_due_at=_LONG_AGO)
        )
        wait_until(self._is_at_rest)

    def all(self, besides: str | None = None) -> dict[str, list[Any]]:
        """Everything except one table, once nothing changes any more."""
        self.rest()
        found: dict[str, list[Any]] = {kind: self._objects(kind) for kind in _AT_STRIPE}
        with self._engine.connect() as connection:
            for name, compared in self._tables.items():
                if name != besides:
                    rows = connection.execute(compared).mappings()
                    found[f"table {name}"] = [dict(row) for row in rows if not _is_act(row)]
        return found

    def _objects(self, kind: str) -> list[dict[str, Any]]:
        objects = self._stack.control.objects(kind)
        return [{name: value for name, value in each.items() if name not in _LINKS} for each in objects]

    def _is_at_rest(self) -> bool:
        waiting = {"pending", "held"}
        if any(one["status"] in waiting for one in self._stack.control.objects("deliveries")):
            return False
        with self._engine.connect() as connection:
            return not any(connection.scalar(each) for each in _UNFINISHED)


def _what_is_compared(table: sqlalchemy.Table) -> sqlalchemy.Select[Any]:
    left_out = _OF_ATTEMPTS.get(table.name, set())
    compared = [each for each in table.columns if each.name not in left_out]
    return sqlalchemy.select(*compared).order_by(*table.primary_key)


def _is_act(row: Any) -> bool:
    """An entry of the change log that is no change: who was refused, and the tests' own tokens."""
    return isinstance(row.get("type"), ChangeType) and row["type"].is_act

"""Events as they are stored: the mapper, what is stored when one arrives, and the statement that does so."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from stripe_bridge.adapters.database.mapping import Mapper, table_of
from stripe_bridge.adapters.database.repositories.accounts import LAST_CONNECTED
from stripe_bridge.adapters.database.tables.accounts import IntegrationRow
from stripe_bridge.adapters.database.tables.inbox import WebhookEventRow
from stripe_bridge.domain.webhook_event import WebhookEvent

EVENTS = Mapper(WebhookEvent, WebhookEventRow, apart=frozenset({"payload"}))
_EVENT = EVENTS.table.c
_INTEGRATION = table_of(IntegrationRow).c
KEY = ("account_id", "livemode", "stripe_event_id")
# The columns that are known when an event arrives, beside its owner; all others are null.
COLUMNS = (
    *KEY,
    "event_type",
    "related_object_id",
    "event_created_at",
    "created_at",
    "updated_at",
    "due_at",
    "status",
    "skip_reason",
    "processed_at",
    "attempts",
    "payload",
)
# Only the number of a payload's bytes is used, not the bytes.
HAS_PAYLOAD: ColumnElement[bool] = func.length(_EVENT.payload) > 0


def owner_of(account_id: Any) -> Select[Any]:
    """`tenant_id` and `id` of the integration that owns the account's events: the one connected to it, else the last one
    that was."""
    return (
        select(_INTEGRATION.tenant_id, _INTEGRATION.id)
        .where(_INTEGRATION.account_id == account_id)
        .order_by(*LAST_CONNECTED)
        .limit(1)
    )


def owner_columns(account_id: Any) -> dict[str, ScalarSelect[Any]]:
    """The columns of an event that name its owner."""
    owner = owner_of(account_id)
    return {
        "tenant_id": owner.with_only_columns(_INTEGRATION.tenant_id).scalar_subquery(),
        "integration_id": owner.with_only_columns(_INTEGRATION.id).scalar_subquery(),
    }


# Everything in a single statement, built once.
STORE = (
    insert(EVENTS.table)
    .values({name: bindparam(name) for name in COLUMNS} | owner_columns(bindparam("account_id")))
    .on_conflict_do_nothing(index_elements=KEY)
    .returning(_EVENT.id)
)


def values_to_store(event: WebhookEvent) -> dict[str, Any]:
    return {name: getattr(event, name) for name in COLUMNS}

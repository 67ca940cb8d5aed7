"""Events as they are stored: the mapper, and the statement that stores one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from stripe_bridge.adapters.database.mapping import Mapper, table_of
from stripe_bridge.adapters.database.repositories.accounts import LAST_CONNECTED
from stripe_bridge.adapters.database.tables.accounts import IntegrationRow
from stripe_bridge.adapters.database.tables.inbox import WebhookEventRow
from stripe_bridge.domain.webhook_event import WebhookEvent

EVENTS = Mapper(WebhookEvent, WebhookEventRow, apart=frozenset({"payload"}))
_EVENT = EVENTS.table.c
_INTEGRATION = table_of(IntegrationRow).c
_IGNORED = frozenset({"id", "tenant_id", "integration_id"})
# Only the number of a payload's bytes is looked at, not the bytes.
HAS_PAYLOAD: ColumnElement[bool] = func.length(_EVENT.payload) > 0


def owner_of(account_id: Any) -> dict[str, ScalarSelect[Any]]:
    """The owner of the account's events: the integration connected to it, else the last one that was."""
    columns = {"tenant_id": _INTEGRATION.tenant_id, "integration_id": _INTEGRATION.id}
    return {
        name: select(column)
        .where(_INTEGRATION.account_id == account_id)
        .order_by(*LAST_CONNECTED)
        .limit(1)
        .scalar_subquery()
        for name, column in columns.items()
    }


# Everything in a single statement, built once.
STORE = (
    insert(EVENTS.table)
    .values(
        {column.name: bindparam(column.name) for column in EVENTS.table.c if column.name not in _IGNORED}
        | owner_of(bindparam("account_id"))
    )
    .on_conflict_do_nothing(index_elements=[_EVENT.account_id, _EVENT.livemode, _EVENT.stripe_event_id])
    .returning(_EVENT.id)
)


def values_to_store(event: WebhookEvent) -> dict[str, Any]:
    return EVENTS.values(event, without=_IGNORED)

"""Calls to Stripe, committed before they are made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from stripe_bridge.adapters.database.tables.base import (
    OWN_IDS,
    Id,
    Row,
    is_among,
    not_negative,
    one_of,
    partial_index,
)
from stripe_bridge.adapters.database.types import Choice, Document
from stripe_bridge.domain.intent import UNSETTLED, IntentState, Operation
from stripe_bridge.domain.origin import Origin, dump_origin, load_origin
from stripe_bridge.domain.refusal import Refusal, dump_refusal, load_refusal

IS_UNSETTLED = is_among("state", UNSETTLED)
IS_FAILED = is_among("state", [IntentState.FAILED])


class IntentRow(Row):
    __tablename__ = "intents"
    __table_args__ = (
        UniqueConstraint("reference"),
        partial_index("uq_intents_unsettled", "subject", where=IS_UNSETTLED, unique=True),
        partial_index("ix_intents_due", "due_at", "id", where=IS_UNSETTLED),
        partial_index("ix_intents_unsettled_integration", "integration_id", "id", where=IS_UNSETTLED),
        Index("ix_intents_invoice", "invoice_id", "id"),
        partial_index("ix_intents_failed", "id", where=IS_FAILED),
        one_of("state", IntentState),
        *not_negative("attempts"),
        OWN_IDS,
    )

    id: Mapped[Id]
    tenant_id: Mapped[str | None]
    integration_id: Mapped[int | None] = mapped_column(ForeignKey("integrations.id"))
    account_id: Mapped[str]
    operation: Mapped[Operation] = mapped_column(Choice(Operation))
    subject: Mapped[str]
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoices.id"))
    parameters: Mapped[Mapping[str, Any]] = mapped_column(Document(dict, dict))
    reference: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    due_at: Mapped[datetime]
    state: Mapped[IntentState] = mapped_column(Choice(IntentState))
    revision: Mapped[int]
    attempts: Mapped[int]
    first_sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    refusal: Mapped[Refusal | None] = mapped_column(Document(dump_refusal, load_refusal))
    version: Mapped[int]
    # Null for those that an earlier release planned.
    origin: Mapped[Origin | None] = mapped_column(Document(dump_origin, load_origin))

"""Replays of webhook events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Index
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
from stripe_bridge.domain.origin import Actor, Origin, dump_actor, dump_origin, load_actor, load_origin
from stripe_bridge.domain.replay import ReplayStatus

IS_RUNNING = is_among("status", [ReplayStatus.RUNNING])


class ReplayRow(Row):
    """Its events are known when it begins, so they stand in one column."""

    __tablename__ = "replays"
    __table_args__ = (
        partial_index("uq_replays_running", "digest", where=IS_RUNNING, unique=True),
        Index("ix_replays_tenant", "tenant_id", "id"),
        one_of("status", ReplayStatus),
        *not_negative("position", "queued", "being_processed", "purged"),
        OWN_IDS,
    )

    id: Mapped[Id]
    tenant_id: Mapped[str | None]
    origin: Mapped[Origin] = mapped_column(Document(dump_origin, load_origin))
    filter: Mapped[Mapping[str, Any]] = mapped_column(Document(dict, dict))
    limit: Mapped[int]
    digest: Mapped[str]
    event_ids: Mapped[tuple[int, ...]] = mapped_column(Document(list, tuple))
    planned: Mapped[Mapping[str, int]] = mapped_column(Document(dict, dict))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    status: Mapped[ReplayStatus] = mapped_column(Choice(ReplayStatus))
    position: Mapped[int]
    queued: Mapped[int]
    being_processed: Mapped[int]
    purged: Mapped[int]
    ended_at: Mapped[datetime | None]
    canceled_by: Mapped[Actor | None] = mapped_column(Document(dump_actor, load_actor))
    version: Mapped[int]

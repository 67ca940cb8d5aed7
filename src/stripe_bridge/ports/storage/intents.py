"""Intents, stored. Everything here happens inside a unit of work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from stripe_bridge.domain.errors.base import NotFound
from stripe_bridge.domain.errors.conflicts import Conflict
from stripe_bridge.domain.intent import Intent, IntentState, Operation
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.ports.metrics import QueueDepth


class IntentNotFound(NotFound):
    message = "Intent not found."


class IntentBeingSettled(Conflict):
    """Another request or worker is settling it, or crashed less than a lease ago."""

    message = "The intent is being settled right now."


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentFilter:
    """Intents in one of `states`, for one of `operations`; None means any."""

    tenant_id: str | None = None
    integration_id: int | None = None
    states: frozenset[IntentState] | None = None
    operations: frozenset[Operation] | None = None


@dataclass(frozen=True, slots=True)
class Leased:
    """An intent that is leased to the caller from the start. `may_be_held`: a hold was open at that moment that may be about
    its tenant.
    """

    intent: Intent
    may_be_held: bool


class Intents(Protocol):
    """At most one unsettled intent per subject: adding a second raises IntentUnsettled."""

    def add(self, intent: Intent) -> Intent:
        """Returns it with its new id; the given id is ignored."""
        ...

    def add_leased(self, intent: Intent) -> Leased:
        """Like `add`, and looks for open holds with the same statement."""
        ...

    def find(self, intent_id: int, *, lock: bool = False) -> Intent | None: ...

    def find_by_reference(self, reference: str) -> Intent | None: ...

    def find_unsettled(self, subject: str) -> Intent | None: ...

    def is_unsettled_for(self, invoice_id: int) -> bool:
        """Whether a call on the invoice is under way or its outcome is not known yet."""
        ...

    def of_invoice(self, invoice_id: int, limit: int) -> Sequence[Intent]:
        """Newest first. Those of its refunds are not among them: a refund has its intent's reference."""
        ...

    def with_references(self, references: Sequence[str]) -> Sequence[Intent]:
        """Newest first."""
        ...

    def unsettled_of_integration(self, integration_id: int) -> Sequence[Intent]:
        """Oldest first."""
        ...

    def unsettled_in_account(self, account_id: str) -> Sequence[Intent]:
        """Whichever integration's they are, longest due first."""
        ...

    def due(self, now: datetime, limit: int) -> Sequence[int]:
        """The ids of unsettled intents that are due, longest overdue first."""
        ...

    def backlog(self, tenant_id: str | None = None) -> QueueDepth:
        """The unsettled ones, of a tenant or of all."""
        ...

    def page(self, matching: IntentFilter, request: PageRequest) -> Page[Intent]: ...

    def save(self, intent: Intent) -> Intent:
        """Raises StaleWrite when it was saved by others since it was read."""
        ...

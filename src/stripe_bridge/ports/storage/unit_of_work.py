"""A transaction, with everything that is stored."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.errors.conflicts import Conflict
from stripe_bridge.domain.origin import Origin
from stripe_bridge.ports.storage.accounts import (
    Integrations,
    OAuthStates,
    PanelSessions,
    Receivers,
    Tokens,
)
from stripe_bridge.ports.storage.audit import Audit, Purging
from stripe_bridge.ports.storage.changes import Acts, Changes, ExistingObjects
from stripe_bridge.ports.storage.console import ConsoleLinks, ConsoleSessions
from stripe_bridge.ports.storage.encryption_key import KeyInUse
from stripe_bridge.ports.storage.idempotency import IdempotentRequests
from stripe_bridge.ports.storage.inbox import Inbox
from stripe_bridge.ports.storage.intents import Intents
from stripe_bridge.ports.storage.invoicing import BilledCustomers, Invoices, Links, SalesOrders
from stripe_bridge.ports.storage.payments import Disputes, Payments, Refunds
from stripe_bridge.ports.storage.reconciliations import Reconciliations
from stripe_bridge.ports.storage.recoveries import Recoveries
from stripe_bridge.ports.storage.replays import Replays
from stripe_bridge.ports.storage.requests import RequestTraces
from stripe_bridge.ports.storage.subscribers import Subscribers
from stripe_bridge.ports.storage.totals import Totals


class PayableInvoiceExists(Conflict):
    """The order has an invoice that can still be paid."""

    message = "The sales order already has a payable invoice."


class IntentUnsettled(Conflict):
    """A call on the same subject is under way, or its outcome is not known yet."""

    message = "An earlier call to Stripe about the same object is not settled yet; try again."


class AccountInUse(Conflict):
    """The Stripe account is connected through another integration."""

    message = "The Stripe account is connected through another integration."


class StoreUnavailable(BridgeError):
    """The database cannot be reached, is too busy to answer in time, or is not in order: not migrated, full, damaged."""

    message = "The service is temporarily unavailable."

    def __init__(self, reason: str = "The database is unavailable.", detail: str = "") -> None:
        """For operators: `reason` says why, and what to do about it; `detail` is what the database's driver said."""
        super().__init__(reason)
        self.reason, self.detail = reason, detail


class SchemaUnknown(Conflict):
    """The database has a schema that this code knows no way from: a newer release's."""

    message = (
        "The database has the schema of a newer release. This release can run with it; nothing was changed."
    )


class UnitOfWork(Protocol):
    """A context manager: leaving it without `commit()` rolls everything back. Never make a network call inside it.

    `commit()` ends it: nothing can be read or written through it afterwards. What it has changed is then in the change log:
    each save is compared with what was read, and saving an object that it has not read raises NotRead.

    Anything may raise StoreUnavailable.
    """

    tokens: Tokens
    panel_sessions: PanelSessions
    console_links: ConsoleLinks
    console_sessions: ConsoleSessions
    oauth_states: OAuthStates
    integrations: Integrations
    sales_orders: SalesOrders
    customers: BilledCustomers
    invoices: Invoices
    links: Links
    payments: Payments
    refunds: Refunds
    disputes: Disputes
    intents: Intents
    receivers: Receivers
    inbox: Inbox
    replays: Replays
    idempotent_requests: IdempotentRequests
    key_in_use: KeyInUse
    reconciliations: Reconciliations
    recoveries: Recoveries
    totals: Totals
    changes: Changes
    acts: Acts
    subscribers: Subscribers
    request_traces: RequestTraces
    audit: Audit
    purging: Purging
    existing: ExistingObjects

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

    def prefetch(self, linked: Sequence[tuple[str, str]]) -> None:
        """Read and lock together the invoices that these objects (account and Stripe id) are linked to, with their orders.

        Call it first, or right after `lock_due`. It only makes what follows faster; changes to these invoices may not be
        written before the commit.
        """
        ...

    @property
    def origin(self) -> Origin:
        """Who makes the changes, and why; at first, whoever was acting when it began."""
        ...

    @origin.setter
    def origin(self, origin: Origin) -> None:
        """From now on. For a transaction that does things for several."""
        ...

    def commit(self) -> None: ...


class Store(Protocol):
    """Where units of work come from: one per call, never shared between threads."""

    def writing(self) -> UnitOfWork:
        """On SQLite it holds the only write lock from the start."""
        ...

    def reading(self) -> UnitOfWork:
        """A consistent view that takes no write lock and cannot write."""
        ...

    def autocommit(self) -> UnitOfWork:
        """For frequent reads with a single statement: each statement sees a state of its own."""
        ...

    def check(self) -> None:
        """Raises StoreUnavailable if the database does not answer, takes no writes, or lacks the schema that this code
        needs."""
        ...

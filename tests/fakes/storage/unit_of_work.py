"""A store in memory that keeps the port's promises: one writer at a time, rollback, constraints, stale writes."""

import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from stripe_bridge.domain.changes.recorder import Recorder
from stripe_bridge.domain.origin import Origin
from stripe_bridge.ports.origin import current_origin
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
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from tests.fakes.storage.accounts import (
    FakeIntegrations,
    FakeOAuthStates,
    FakePanelSessions,
    FakeReceivers,
    FakeTokens,
)
from tests.fakes.storage.audit import FakeAudit, FakePurging
from tests.fakes.storage.changes import FakeActs, FakeChanges, FakeExistingObjects, append_changes
from tests.fakes.storage.console import FakeConsoleLinks, FakeConsoleSessions
from tests.fakes.storage.encryption_key import FakeKeyInUse
from tests.fakes.storage.idempotency import FakeIdempotentRequests
from tests.fakes.storage.inbox import FakeInbox
from tests.fakes.storage.intents import FakeIntents
from tests.fakes.storage.invoicing import FakeBilledCustomers, FakeInvoices, FakeLinks, FakeSalesOrders
from tests.fakes.storage.payments import FakeDisputes, FakePayments, FakeRefunds
from tests.fakes.storage.reconciliations import FakeReconciliations
from tests.fakes.storage.recoveries import FakeRecoveries
from tests.fakes.storage.replays import FakeReplays
from tests.fakes.storage.requests import FakeRequestTraces
from tests.fakes.storage.subscribers import FakeSubscribers
from tests.fakes.storage.tables import Tables
from tests.fakes.storage.totals import FakeTotals


class FakeStore:
    """Committed tables are never changed, only replaced, so that readers need no lock.

    `is_available = False` makes it unavailable. `commits` counts commits. `is_open_here` says whether this thread is inside
    a unit of work, where no gateway may be called.
    """

    def __init__(self) -> None:
        self.committed = Tables()
        self.is_available = True
        self.commits = 0
        self.write_lock = threading.Lock()
        self.here = threading.local()

    @property
    def is_open_here(self) -> bool:
        return bool(getattr(self.here, "open", 0))

    def writing(self) -> "FakeUnitOfWork":
        return FakeUnitOfWork(self, writable=True)

    def reading(self) -> "FakeUnitOfWork":
        return FakeUnitOfWork(self, writable=False)

    def autocommit(self) -> "FakeUnitOfWork":
        return self.reading()

    def check(self) -> None:
        if not self.is_available:
            raise StoreUnavailable


class FakeUnitOfWork:
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

    def __init__(self, store: FakeStore, *, writable: bool) -> None:
        self._store = store
        self._recorder = Recorder(current_origin())
        self._writable = writable
        self._is_over = True

    def __enter__(self) -> Self:
        self._store.check()
        if self._writable:
            # A database would wait for its own lock here until it times out.
            assert not getattr(self._store.here, "writing", False), "A unit of work inside another."
            self._store.write_lock.acquire()
            self._store.here.writing = True
        self._store.here.open = getattr(self._store.here, "open", 0) + 1
        committed = self._store.committed
        # What is committed never changes: the next commit puts another in its place.
        self._tables = committed.copy(self._recorder) if self._writable else committed
        self._is_over = False
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        self._end()

    def __getattr__(self, name: str) -> Any:
        """A repository, made when it is first used: most transactions use a few of them. None is left when it is over."""
        make = _REPOSITORIES.get(name)
        if make is None or self._is_over:
            raise AttributeError(name)
        repository = make(self._tables, self._recorder) if name in _RECORDING else make(self._tables)
        setattr(self, name, repository)
        return repository

    def prefetch(self, linked: Sequence[tuple[str, str]]) -> None:
        """Does nothing: there is nothing to gain in memory."""

    @property
    def origin(self) -> Origin:
        return self._recorder.origin

    @origin.setter
    def origin(self, origin: Origin) -> None:
        self._recorder.origin = origin

    def commit(self) -> None:
        assert not self._is_over, "The unit of work is over."
        self._store.check()
        if self._writable:
            append_changes(self._tables, self._recorder.changes)
            self._tables.freeze()
            self._store.committed = self._tables
            self._store.commits += 1
        self._end()

    def _end(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        for name in _REPOSITORIES.keys() & vars(self).keys():
            delattr(self, name)
        self._store.here.open -= 1
        if self._writable:
            self._store.here.writing = False
            self._store.write_lock.release()


_REPOSITORIES: dict[str, Callable[..., Any]] = {
    "tokens": FakeTokens,
    "panel_sessions": FakePanelSessions,
    "console_links": FakeConsoleLinks,
    "console_sessions": FakeConsoleSessions,
    "oauth_states": FakeOAuthStates,
    "integrations": FakeIntegrations,
    "sales_orders": FakeSalesOrders,
    "customers": FakeBilledCustomers,
    "invoices": FakeInvoices,
    "links": FakeLinks,
    "payments": FakePayments,
    "refunds": FakeRefunds,
    "disputes": FakeDisputes,
    "intents": FakeIntents,
    "receivers": FakeReceivers,
    "inbox": FakeInbox,
    "replays": FakeReplays,
    "idempotent_requests": FakeIdempotentRequests,
    "key_in_use": FakeKeyInUse,
    "reconciliations": FakeReconciliations,
    "recoveries": FakeRecoveries,
    "totals": FakeTotals,
    "changes": FakeChanges,
    "acts": FakeActs,
    "subscribers": FakeSubscribers,
    "request_traces": FakeRequestTraces,
    "audit": FakeAudit,
    "purging": FakePurging,
    "existing": FakeExistingObjects,
}
# Those that record acts themselves.
_RECORDING = {"acts", "intents"}

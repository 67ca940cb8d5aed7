"""Units of work on SQLAlchemy."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

import sqlalchemy
from sqlalchemy import Engine

from stripe_bridge.adapters.database.change_log import append_changes
from stripe_bridge.adapters.database.engine import autocommit, reading
from stripe_bridge.adapters.database.identity_map import IdentityMap
from stripe_bridge.adapters.database.outages import NO_SCHEMA, old_schema, outage
from stripe_bridge.adapters.database.repositories.accounts import (
    SqlIntegrations,
    SqlOAuthStates,
    SqlPanelSessions,
    SqlReceivers,
    SqlTokens,
)
from stripe_bridge.adapters.database.repositories.audit import SqlAudit
from stripe_bridge.adapters.database.repositories.changes import SqlActs, SqlChanges
from stripe_bridge.adapters.database.repositories.console import SqlConsoleLinks, SqlConsoleSessions
from stripe_bridge.adapters.database.repositories.encryption_key import SqlKeyInUse
from stripe_bridge.adapters.database.repositories.existing import SqlExistingObjects
from stripe_bridge.adapters.database.repositories.idempotency import SqlIdempotentRequests
from stripe_bridge.adapters.database.repositories.inbox import SqlInbox
from stripe_bridge.adapters.database.repositories.intents import SqlIntents
from stripe_bridge.adapters.database.repositories.invoices import SqlInvoices
from stripe_bridge.adapters.database.repositories.payments import SqlLinks, SqlPayments
from stripe_bridge.adapters.database.repositories.purging import SqlPurging
from stripe_bridge.adapters.database.repositories.reconciliations import SqlReconciliations
from stripe_bridge.adapters.database.repositories.recoveries import SqlRecoveries
from stripe_bridge.adapters.database.repositories.refunds import SqlDisputes, SqlRefunds
from stripe_bridge.adapters.database.repositories.replays import SqlReplays
from stripe_bridge.adapters.database.repositories.requests import SqlRequestTraces
from stripe_bridge.adapters.database.repositories.sales_orders import SqlBilledCustomers, SqlSalesOrders
from stripe_bridge.adapters.database.repositories.subscribers import SqlSubscribers
from stripe_bridge.adapters.database.repositories.totals import SqlTotals
from stripe_bridge.adapters.database.request_traces import note_traces
from stripe_bridge.adapters.database.revisions import current_revision, known_revisions, newest_revision
from stripe_bridge.adapters.database.statements import Transaction, translate_driver_errors
from stripe_bridge.adapters.database.write_probe import WriteProbe
from stripe_bridge.domain.changes.recorder import Recorder
from stripe_bridge.domain.origin import SERVICE, Origin
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

_log = logging.getLogger(__name__)


class SqlUnitOfWork:
    """It ends with the commit: a statement after that is a mistake, and raises."""

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

    def __init__(
        self,
        engine: Engine,
        recorder: Recorder | None = None,
        on_changes: Callable[[Mapping[str, int]], None] = lambda _: None,
    ) -> None:
        """Only what a `recorder` knows of can be written. `on_changes` gets the last number of each tenant whose log has
        grown, after the commit."""
        self._engine, self._recorder, self._on_changes = engine, recorder, on_changes

    def __enter__(self) -> Self:
        self._begin()
        self._transaction = transaction = Transaction(self._connection, self._recorder)
        self._identity_map = identity_map = IdentityMap(transaction)
        self.tokens = SqlTokens(transaction)
        self.panel_sessions = SqlPanelSessions(transaction)
        self.console_links = SqlConsoleLinks(transaction)
        self.console_sessions = SqlConsoleSessions(transaction)
        self.oauth_states = SqlOAuthStates(transaction)
        self.integrations = SqlIntegrations(transaction)
        self.sales_orders = SqlSalesOrders(transaction)
        self.customers = SqlBilledCustomers(transaction)
        self.invoices = SqlInvoices(transaction, identity_map)
        self.links = SqlLinks(transaction, identity_map)
        self.payments = SqlPayments(transaction, identity_map)
        self.refunds = SqlRefunds(transaction)
        self.disputes = SqlDisputes(transaction)
        self.intents = SqlIntents(transaction)
        self.receivers = SqlReceivers(transaction)
        self.inbox = SqlInbox(transaction)
        self.replays = SqlReplays(transaction)
        self.idempotent_requests = SqlIdempotentRequests(transaction)
        self.key_in_use = SqlKeyInUse(transaction)
        self.reconciliations = SqlReconciliations(transaction)
        self.recoveries = SqlRecoveries(transaction)
        self.totals = SqlTotals(transaction)
        self.changes = SqlChanges(transaction)
        self.acts = SqlActs(transaction)
        self.subscribers = SqlSubscribers(transaction)
        self.request_traces = SqlRequestTraces(transaction)
        self.audit = SqlAudit(transaction)
        self.purging = SqlPurging(transaction)
        self.existing = SqlExistingObjects(transaction)
        return self

    def _begin(self) -> None:
        with translate_driver_errors():
            self._connection = self._engine.connect()
            try:
                # Now and not at the first statement: on SQLite this is where the write lock is taken.
                self._connection.begin()
            except BaseException:
                self._connection.close()
                raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        with translate_driver_errors():
            if self._recorder is None and kind is None and self._connection.in_transaction():
                # There is nothing to roll back, and after a ROLLBACK the driver prepares every statement anew.
                self._connection.commit()
            self._connection.close()

    def prefetch(self, linked: Sequence[tuple[str, str]]) -> None:
        self._identity_map.read(linked)

    @property
    def origin(self) -> Origin:
        return SERVICE if self._recorder is None else self._recorder.origin

    @origin.setter
    def origin(self, origin: Origin) -> None:
        if self._recorder is not None:
            self._recorder.origin = origin

    def commit(self) -> None:
        self._identity_map.write()
        last: Mapping[str, int] = {}
        if self._recorder is not None and self._recorder.changes:
            last = append_changes(self._transaction, self._recorder.changes)
        note_traces(self._transaction, self._transaction.traces)
        with translate_driver_errors():
            self._connection.commit()
            self._connection.close()
        if last:
            self._on_changes(last)


class SqlStore:
    """A store on either database. `close` gives its connections back.

    `on_changes` is called after each commit that recorded something, with the last number of each tenant's log.
    """

    def __init__(
        self, engine: Engine, on_changes: Callable[[Mapping[str, int]], None] = lambda _: None
    ) -> None:
        self.engine, self._on_changes = engine, on_changes
        self._reading, self._autocommit = reading(engine), autocommit(engine)
        self._probe = WriteProbe(engine)

    def writing(self) -> SqlUnitOfWork:
        return SqlUnitOfWork(self.engine, Recorder(current_origin()), self._on_changes)

    def reading(self) -> SqlUnitOfWork:
        return SqlUnitOfWork(self._reading)

    def autocommit(self) -> SqlUnitOfWork:
        return SqlUnitOfWork(self._autocommit)

    def check(self) -> None:
        try:
            with translate_driver_errors(), self._reading.connect() as connection:
                current = current_revision(connection)
        except sqlalchemy.exc.SQLAlchemyError as error:
            raise outage(error) from error
        # A newer revision is unknown here, but fine: migrations are made to run while an older version serves.
        newest = newest_revision()
        if current != newest and (current is None or current in known_revisions()):
            unavailable = StoreUnavailable(NO_SCHEMA) if current is None else old_schema(current, newest)
            _log.warning("database unavailable", extra={"reason": unavailable.reason})
            raise unavailable
        self._probe.check()

    def close(self) -> None:
        self.engine.dispose()

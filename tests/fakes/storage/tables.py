"""The fake store's tables: one committed state, and copies for transactions to work on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from stripe_bridge.domain.access import ApiToken
from stripe_bridge.domain.billed_customer import BilledCustomer
from stripe_bridge.domain.changes.entry import Entry, Head
from stripe_bridge.domain.changes.recorded import KINDS
from stripe_bridge.domain.changes.recorder import Recorder
from stripe_bridge.domain.changes.verification import LogCheck
from stripe_bridge.domain.console_session import ConsoleLink, ConsoleSession
from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.errors.conflicts import StaleWrite
from stripe_bridge.domain.errors.values import InvalidCursor
from stripe_bridge.domain.idempotency import IdempotentRequest, RequestScope
from stripe_bridge.domain.integration import Integration, OAuthState
from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.paging import Page, PageRequest, Update, cursor_after, cursor_after_update
from stripe_bridge.domain.panel_session import PanelSession
from stripe_bridge.domain.payment import Payment
from stripe_bridge.domain.receiver import Receiver
from stripe_bridge.domain.reconciliation import Gap
from stripe_bridge.domain.recovery import RecoveryHold, SigningKey, UnresolvedInvoice
from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.replay import Replay
from stripe_bridge.domain.request_trace import Trace
from stripe_bridge.domain.sales_order import SalesOrder
from stripe_bridge.domain.subscriber import Delivery, Subscriber
from stripe_bridge.domain.webhook_event import WebhookEvent


class Identified(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def id(self) -> int: ...


class Versioned(Identified, Protocol):
    @property
    def version(self) -> int: ...


Key = TypeVar("Key")
Value = TypeVar("Value")
Aggregate = TypeVar("Aggregate", bound=Identified)
Saved = TypeVar("Saved", bound=Versioned)


@dataclass
class Ids(Iterator[int]):
    """Ids in ascending order. `given` is the highest so far."""

    given: int = 0

    def __next__(self) -> int:
        self.given += 1
        return self.given


@dataclass
class Table(Generic[Key, Value]):
    """Rows by key. No id is given out twice, even after a rollback."""

    rows: dict[Key, Value] = field(default_factory=dict)
    ids: Ids = field(default_factory=Ids)
    writable: bool = False
    recorder: Recorder | None = None

    def copy(self, recorder: Recorder | None = None) -> "Table[Key, Value]":
        """A writable one, which has the same rows until either of the two gets others."""
        return Table(self.rows, self.ids, True, recorder)

    def find(self, key: Key, *, lock: bool = False) -> Value | None:
        self.check_writable(lock)
        value = self.rows.get(key)
        self._read(value)
        return value

    def put(self, key: Key, value: Value) -> None:
        self.check_writable(True)
        recorded: Any = value
        if self.recorder is not None and type(value) in KINDS:
            if key in self.rows:
                self.recorder.saved(recorded)
            else:
                self.recorder.added(recorded)
        self.rows = {**self.rows, key: value}

    def _read(self, value: Any) -> None:
        if self.recorder is not None and type(value) in KINDS:
            self.recorder.read(value)

    def remove(self, key: Key) -> None:
        self.check_writable(True)
        self.rows = {other: value for other, value in self.rows.items() if other != key}

    def matching(self, condition: Callable[[Value], bool]) -> list[Value]:
        """The matching rows, in the order in which they were added."""
        found = [value for value in self.rows.values() if condition(value)]
        for value in found:
            self._read(value)
        return found

    def check_writable(self, wanted: bool) -> None:
        if wanted and not self.writable:
            raise AssertionError("This unit of work only reads.")


def add(table: Table[int, Aggregate], value: Aggregate) -> Aggregate:
    added = replace(value, id=next(table.ids))
    table.put(added.id, added)
    return added


def save(table: Table[int, Saved], value: Saved) -> Saved:
    table.check_writable(True)
    stored = table.rows.get(value.id)
    if stored is None or stored.version != value.version:
        raise StaleWrite
    saved = replace(value, version=value.version + 1)
    table.put(saved.id, saved)
    return saved


def page_of(values: list[Aggregate], request: PageRequest) -> Page[Aggregate]:
    newest = sorted(values, key=lambda value: value.id, reverse=True)
    if request.before_id is not None:
        before = request.before_id
        rest = [value for value in newest if value.id < before]
    else:
        rest = newest[request.offset :]
    total = None if request.by_cursor else len(newest)
    return Page.of(rest, request, total, lambda value: cursor_after(value.id))


def page_behind(
    values: list[Aggregate], own: list[Aggregate], place: Callable[[Aggregate], Any], request: PageRequest
) -> Page[Aggregate]:
    """In the order of their places; `before_id` names one of `own`."""
    rest = sorted(values, key=place)
    if request.before_id is not None:
        last = next((each for each in own if each.id == request.before_id), None)
        if last is None:
            raise InvalidCursor
        rest = [each for each in rest if place(each) > place(last)]
    return Page.of(rest, request, None, lambda value: cursor_after(value.id))


def page_by_update(invoices: list[Invoice], request: PageRequest) -> Page[Invoice]:
    def place(invoice: Invoice) -> tuple[datetime, int]:
        return invoice.updated_at, invoice.id

    oldest = sorted(invoices, key=place)
    if request.after is not None:
        after = request.after.at, request.after.id
        rest = [invoice for invoice in oldest if place(invoice) > after]
    else:
        rest = oldest[request.offset :]
    total = None if request.by_cursor else len(oldest)
    return Page.of(rest, request, total, lambda invoice: cursor_after_update(Update(*place(invoice))))


@dataclass
class Tables:
    """Everything that is stored."""

    tokens: Table[int, ApiToken] = field(default_factory=Table)
    panel_sessions: Table[int, PanelSession] = field(default_factory=Table)
    request_traces: Table[Trace, Trace] = field(default_factory=Table)
    console_links: Table[int, ConsoleLink] = field(default_factory=Table)
    console_sessions: Table[int, ConsoleSession] = field(default_factory=Table)
    oauth_states: Table[str, OAuthState] = field(default_factory=Table)
    integrations: Table[int, Integration] = field(default_factory=Table)
    sales_orders: Table[tuple[str, int], SalesOrder] = field(default_factory=Table)
    customers: Table[int, BilledCustomer] = field(default_factory=Table)
    invoices: Table[int, Invoice] = field(default_factory=Table)
    links: Table[tuple[str, str], int] = field(default_factory=Table)
    payments: Table[tuple[str, str], Payment] = field(default_factory=Table)
    refunds: Table[int, Refund] = field(default_factory=Table)
    disputes: Table[tuple[str, str], Dispute] = field(default_factory=Table)
    intents: Table[int, Intent] = field(default_factory=Table)
    receivers: Table[int, Receiver] = field(default_factory=Table)
    events: Table[int, WebhookEvent] = field(default_factory=Table)
    replays: Table[int, Replay] = field(default_factory=Table)
    reconcile_due: Table[int, datetime] = field(default_factory=Table)
    purged: Table[str, int] = field(default_factory=Table)
    gaps: Table[int, Gap | None] = field(default_factory=Table)
    idempotent_requests: Table[RequestScope, IdempotentRequest] = field(default_factory=Table)
    recovery_holds: Table[tuple[str, str], RecoveryHold] = field(default_factory=Table)
    unresolved_invoices: Table[tuple[str, str], UnresolvedInvoice] = field(default_factory=Table)
    signing_keys: Table[str, SigningKey] = field(default_factory=Table)
    key_in_use: Table[int, str] = field(default_factory=Table)
    subscribers: Table[int, Subscriber] = field(default_factory=Table)
    deliveries: Table[int, Delivery] = field(default_factory=Table)
    not_logged: Table[int, bool] = field(default_factory=Table)
    act_windows: Table[str, tuple[datetime, int]] = field(default_factory=Table)
    change_heads: Table[str, Head] = field(default_factory=Table)
    changes: Table[tuple[str, int], Entry] = field(default_factory=Table)
    change_checks: Table[str, LogCheck] = field(default_factory=Table)

    def copy(self, recorder: Recorder | None = None) -> "Tables":
        """To write to."""
        copied = {name: table.copy(recorder) for name, table in vars(self).items()}
        return Tables(**copied)

    def freeze(self) -> None:
        """Nothing writes to them from now on."""
        for table in vars(self).values():
            table.writable, table.recorder = False, None


def must_exist(referred_to: object) -> None:
    """What a foreign key enforces in a database. Breaking it is a bug, not an error to handle."""
    assert referred_to is not None, "It refers to something that is not stored."

"""Reading the feed: a page for whoever holds what this database holds, rendered once for all that read the same one."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock

from stripe_bridge.domain.changes.entry import Head
from stripe_bridge.domain.errors.feed import FeedExpired
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.changes.feed import FeedPage, FeedQuery, read_page
from stripe_bridge.use_cases.changes.witness import (
    NOTHING_HELD,
    Held,
    HoldOnContradiction,
    find_refusal,
    is_evidence,
    log_contradiction,
)

# What is purged meanwhile is shown a moment longer.
_KEPT_FOR = timedelta(seconds=1)
_MAX_KEPT = 64
# Those that many wait for are short.
_MAX_SHARED_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFeedCommand:
    """`may_hold_sends`: the reader is believed if it holds something else than this database."""

    query: FeedQuery
    held: Held = NOTHING_HELD
    may_hold_sends: bool = False


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """`body` is the page as JSON."""

    page: FeedPage
    body: bytes


class ReadFeed:
    """Raises HistoryChanged, CursorAhead, FeedExpired."""

    def __init__(self, store: Store, clock: Clock, hold: HoldOnContradiction) -> None:
        self._store, self._hold = store, hold
        self._shared = _SharedPages(clock)

    def __call__(self, command: ReadFeedCommand) -> RenderedPage:
        rendered = self._read(command.query)
        refusal = find_refusal(rendered.page, command.held)
        if refusal is None:
            return rendered
        if not isinstance(refusal, FeedExpired):
            is_believed = command.may_hold_sends and is_evidence(command.held, rendered.page)
            if is_believed:
                self._hold(command.query.tenant_id)
            log_contradiction(rendered.page, command.query.tenant_id, refusal, is_held=is_believed)
        raise refusal

    def _read(self, query: FeedQuery) -> RenderedPage:
        with self._store.autocommit() as work:
            head = work.changes.head(query.tenant_id)
        return self._shared.get(query, head) or self._shared.keep(query, head, self._render(query))

    def _render(self, query: FeedQuery) -> RenderedPage:
        with self._store.reading() as work:
            page = read_page(work, query)
        return RenderedPage(page, json.dumps(page.shown(), ensure_ascii=False).encode())


class FindHeads:
    """The number of the last entry of each of these tenants, in one statement; 0 if nothing was ever recorded."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_ids: Collection[str]) -> Mapping[str, int]:
        with self._store.autocommit() as work:
            heads = work.changes.heads(tenant_ids)
        return {each: heads[each].sequence if each in heads else 0 for each in tenant_ids}


class FindAllHeads:
    """The last entry of every tenant's log."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self) -> Sequence[Head]:
        with self._store.reading() as work:
            return work.changes.all_heads()


class SkipForeign:
    """Pass over what a query does not ask for. Returns the last entry passed over, and whether one it asks for follows."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, query: FeedQuery) -> tuple[int, bool]:
        with self._store.reading() as work:
            page = read_page(work, replace(query, limit=1))
        if page.entries:
            return query.after, True
        return page.next_after, False


class FindLastChange:
    """The number of the last change of a sales order, its invoices, refunds and disputes; None if none was recorded.

    The order is given, or an invoice of it. Raises InvoiceNotFound.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(
        self, tenant_id: str, *, sales_order_id: int | None = None, invoice_id: int | None = None
    ) -> int | None:
        with self._store.autocommit() as work:
            if sales_order_id is None:
                sales_order_id = work.invoices.get(tenant_id, invoice_id or 0).sales_order_id
            return work.changes.last_of_order(tenant_id, sales_order_id)


class _SharedPages:
    """Pages, for a moment, by what they were asked for and where the log ended."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._mutex = Lock()
        self._kept: OrderedDict[tuple[FeedQuery, Head | None], tuple[datetime, RenderedPage]] = OrderedDict()

    def get(self, query: FeedQuery, head: Head | None) -> RenderedPage | None:
        with self._mutex:
            kept_at, rendered = self._kept.get((query, head), (None, None))
            is_fresh = kept_at is not None and self._clock.now() < kept_at + _KEPT_FOR
            return rendered if is_fresh else None

    def keep(self, query: FeedQuery, head: Head | None, rendered: RenderedPage) -> RenderedPage:
        if len(rendered.body) > _MAX_SHARED_BYTES:
            return rendered
        with self._mutex:
            self._kept[query, head] = self._clock.now(), rendered
            self._kept.move_to_end((query, head))
            while len(self._kept) > _MAX_KEPT:
                self._kept.popitem(last=False)
        return rendered

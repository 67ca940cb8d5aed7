"""The state of every object, folded from the log alone, and held against what is stored."""

from collections.abc import Iterator, Mapping
from typing import Any

from stripe_bridge.domain.changes.entry import GENESIS, Entry, chain
from stripe_bridge.domain.changes.recorded import KINDS, Kind, Recorded
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.domain.refund import RefundState
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.use_cases.changes.feed import FeedQuery, read_page

Name = tuple[str, int | str]
Shown = Mapping[str, Any]
_KINDS: Mapping[str, Kind] = {kind.subject_type.value: kind for kind in KINDS.values()}
_PAGE = 500


def assert_the_log_tells_everything(store: Store, tenant_id: str) -> None:
    """1…K without a gap, each chained to the one before; each change begins with what the one before it left; and what they
    amount to is what is stored."""
    with store.reading() as work:
        assert folded(work, tenant_id) == stored(work, tenant_id)


def entries(work: UnitOfWork, tenant_id: str) -> Iterator[Entry]:
    after, hash_ = 0, GENESIS
    while True:
        page = read_page(work, FeedQuery(tenant_id=tenant_id, after=after, limit=_PAGE))
        assert page.after_hash == hash_
        for entry in page.entries:
            after, hash_ = after + 1, chain(hash_, entry.signed)
            assert (entry.sequence, entry.hash) == (after, hash_)
            yield entry
        assert page.next_after == after
        if after == page.latest:
            return


def folded(work: UnitOfWork, tenant_id: str) -> dict[Name, Shown]:
    objects: dict[Name, Shown] = {}
    for entry in entries(work, tenant_id):
        shown = entry.shown()
        name = shown["subject"]["type"], shown["subject"]["id"]
        kind = _KINDS.get(name[0])
        if kind is None or entry.type.is_act:
            continue
        object_ = _compared(kind, shown["object"])
        _follows(kind, objects.get(name), shown["changed"], object_, f"{entry.sequence} {entry.type}")
        objects[name] = object_
        if shown.get("gone"):
            del objects[name]
    return objects


def _follows(kind: Kind, before: Shown | None, changed: Shown, after: Shown, where: str) -> None:
    """Whoever wrote this had seen the change before it: the order is one in which they were committed."""
    had = dict.fromkeys(after) if before is None else before
    differing = {name for name in after if had[name] != after[name]}
    assert differing == set(changed), where
    assert changed or not where.endswith(".updated"), f"{where} tells nothing"
    for name, pair in changed.items():
        was_and_is = [had[name], after[name]]
        assert pair == ([bool(each) for each in was_and_is] if name in kind.personal else was_and_is), where


def stored(work: UnitOfWork, tenant_id: str) -> dict[Name, Shown]:
    objects: dict[Name, Shown] = {}
    for value in _values(work, tenant_id):
        kind = KINDS[type(value)]
        objects[kind.subject_type.value, kind.subject_id(value)] = _compared(kind, kind.show(value))
    return objects


def _values(work: UnitOfWork, tenant_id: str) -> Iterator[Recorded]:
    yield from work.integrations.page(tenant_id, PageRequest(per_page=100)).items
    recorded = {entry.sales_order_id for entry in entries(work, tenant_id)} - {None}
    for order_id in recorded:
        assert order_id is not None
        yield work.sales_orders.get(tenant_id, order_id)
        for invoice in work.invoices.of_order(tenant_id, order_id):
            if invoice.status is InvoiceStatus.ABANDONED:
                continue
            yield invoice
            yield from (
                each for each in work.refunds.of_invoice(invoice.id) if each.state is not RefundState.REFUSED
            )
            yield from work.disputes.of_invoice(invoice.id)


def _compared(kind: Kind, shown: Shown) -> Shown:
    return {name: value for name, value in shown.items() if name not in kind.not_compared}

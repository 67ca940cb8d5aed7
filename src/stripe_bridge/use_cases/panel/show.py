"""What a panel shows of a sales order, in one read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from stripe_bridge.domain.changes.entry import Entry
from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.errors.base import InvoiceNotFound
from stripe_bridge.domain.integration import Integration, SyncStatus
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.domain.refund import Refund, RefundState
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.use_cases.changes.feed import newest_of_order
from stripe_bridge.use_cases.invoices.links import RenewLinks
from stripe_bridge.use_cases.invoices.views import InvoiceView, view_invoices
from stripe_bridge.use_cases.sales_orders.show import SalesOrderView, view_order

# An order has few entries; one that has more shows the newest of them.
_TIMELINE = 50
_MOST_INTEGRATIONS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelInvoice:
    """`refunds` and `disputes` newest first; none that Stripe refused."""

    view: InvoiceView
    refunds: Sequence[Refund]
    disputes: Sequence[Dispute]


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelView:
    """`order` is None until the ERP has submitted it. `integrations` are those that an invoice can be sent through.
    `timeline` is of the change log, newest first; `latest` is where that ended. `has_news`: something of this order came
    after the entry that the reader knows.
    """

    order: SalesOrderView | None
    integrations: Sequence[Integration]
    invoices: Sequence[PanelInvoice]
    timeline: Sequence[Entry]
    latest: int
    has_news: bool


class ShowPanel:
    """All that a panel draws of a tenant's order, as of one moment; pay links that are about to expire are renewed."""

    def __init__(self, store: Store, renew_links: RenewLinks) -> None:
        self._store, self._renew_links = store, renew_links

    def __call__(self, tenant_id: str, sales_order_id: int, after: int | None = None) -> PanelView:
        with self._store.reading() as work:
            view = _view(work, tenant_id, sales_order_id, after)
        return replace(view, invoices=[self._with_links(each) for each in view.invoices])

    def _with_links(self, shown: PanelInvoice) -> PanelInvoice:
        if not shown.view.invoice.is_payable:
            return shown
        renewed = self._renew_links(shown.view.invoice)
        return replace(shown, view=replace(shown.view, invoice=renewed))


class RequireInvoiceOfOrder:
    """Raises InvoiceNotFound for an invoice that is not of the order."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str, sales_order_id: int, invoice_id: int) -> None:
        with self._store.autocommit() as work:
            if work.invoices.get(tenant_id, invoice_id).sales_order_id != sales_order_id:
                raise InvoiceNotFound


def _view(work: UnitOfWork, tenant_id: str, sales_order_id: int, after: int | None) -> PanelView:
    order = work.sales_orders.find(tenant_id, sales_order_id)
    invoices = view_invoices(work, work.invoices.of_order(tenant_id, sales_order_id))
    timeline = newest_of_order(work, tenant_id, sales_order_id, _TIMELINE)
    head = work.changes.head(tenant_id)
    latest = 0 if head is None else head.sequence
    last = timeline[0].sequence if timeline else 0
    return PanelView(
        order=None if order is None else view_order(order, [each.invoice for each in invoices]),
        integrations=_usable(work, tenant_id),
        invoices=_with_money_back(work, invoices),
        timeline=timeline,
        latest=latest,
        # A reader that knows more than there is has read a log that is no more.
        has_news=after is None or last > after or after > latest,
    )


def _with_money_back(work: UnitOfWork, views: Sequence[InvoiceView]) -> list[PanelInvoice]:
    collected = [each.invoice.id for each in views if each.invoice.amount_collected > 0]
    refunds = work.refunds.of_invoices(collected) if collected else {}
    disputes = work.disputes.of_invoices(collected) if collected else {}
    return [
        PanelInvoice(
            view=each,
            refunds=[
                refund
                for refund in refunds.get(each.invoice.id, ())
                if refund.state is not RefundState.REFUSED
            ],
            disputes=disputes.get(each.invoice.id, ()),
        )
        for each in views
    ]


def _usable(work: UnitOfWork, tenant_id: str) -> list[Integration]:
    page = work.integrations.page(tenant_id, PageRequest.below(None, _MOST_INTEGRATIONS))
    return [each for each in page.items if each.connected and each.sync_status is SyncStatus.ACTIVE]

"""All that happened to an invoice: what this service recorded, what Stripe sent, and what Stripe was asked to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from stripe_bridge.domain.changes.change import SubjectType
from stripe_bridge.domain.changes.entry import Entry
from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.webhook_event import WebhookEvent
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.use_cases.changes.feed import newest_of_order
from stripe_bridge.use_cases.invoices.links import RenewLinks
from stripe_bridge.use_cases.invoices.views import InvoiceView, view_invoices

# An order has few entries, an invoice few calls; of one that has more, these are the newest.
MOST_CHANGES, MOST_CALLS = 200, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceTimeline:
    """`refunds` and `disputes` newest first, refused refunds among them. `changes` are the invoice's, its refunds' and its
    disputes'; `calls` are intents."""

    view: InvoiceView
    refunds: Sequence[Refund]
    disputes: Sequence[Dispute]
    changes: Sequence[Entry]
    events: Sequence[WebhookEvent]
    calls: Sequence[Intent]


class ShowInvoiceTimeline:
    """With links that last, if Stripe answers quickly. Raises InvoiceNotFound."""

    def __init__(self, store: Store, renew_links: RenewLinks) -> None:
        self._store, self._renew_links = store, renew_links

    def __call__(self, tenant_id: str, invoice_id: int) -> InvoiceTimeline:
        with self._store.reading() as work:
            shown = _timeline(work, work.invoices.get(tenant_id, invoice_id))
        return replace(shown, view=replace(shown.view, invoice=self._renew_links(shown.view.invoice)))


def _timeline(work: UnitOfWork, invoice: Invoice) -> InvoiceTimeline:
    refunds, disputes = work.refunds.of_invoice(invoice.id), work.disputes.of_invoice(invoice.id)
    entries = newest_of_order(work, invoice.tenant_id, invoice.sales_order_id, MOST_CHANGES)
    own = {(SubjectType.INVOICE, str(invoice.id))}
    own |= {(SubjectType.REFUND, str(each.id)) for each in refunds}
    own |= {(SubjectType.DISPUTE, each.stripe_id) for each in disputes}
    (view,) = view_invoices(work, [invoice])
    stripe_ids = {*work.links.of_invoice(invoice.id), *(each.stripe_id for each in disputes)}
    stripe_ids |= {each.stripe_refund_id for each in refunds if each.stripe_refund_id is not None}
    references = [each.reference for each in refunds if each.reference is not None]
    return InvoiceTimeline(
        view=view,
        refunds=refunds,
        disputes=disputes,
        changes=[each for each in entries if (each.subject_type, each.subject_id) in own],
        events=work.inbox.for_objects(invoice.tenant_id, sorted(stripe_ids)),
        calls=[
            *work.intents.of_invoice(invoice.id, MOST_CALLS),
            *(work.intents.with_references(references) if references else ()),
        ],
    )

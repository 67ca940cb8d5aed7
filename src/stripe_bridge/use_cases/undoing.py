"""Undoing a draft that got stuck, so that it does not hold its order forever."""

from __future__ import annotations

import logging

from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.planning import plan_delete
from stripe_bridge.domain.stripe_objects import StripeInvoice, StripeInvoiceStatus
from stripe_bridge.ports.identifiers import Identifiers
from stripe_bridge.ports.timing import Clock
from stripe_bridge.ports.unit_of_work import UnitOfWork

_log = logging.getLogger(__name__)
BECAUSE = "its sending never finished"


class UndoStuckDraft:
    """Plan to delete a locked invoice that is a draft here and at Stripe and has no call under way.

    Sending it failed, and so did undoing it. The caller learned of that long ago, and can send the order again after this.
    """

    def __init__(self, clock: Clock, identifiers: Identifiers) -> None:
        self._clock, self._identifiers = clock, identifiers

    def __call__(self, work: UnitOfWork, invoice: Invoice, snapshot: StripeInvoice) -> None:
        is_draft = invoice.status is InvoiceStatus.DRAFT and snapshot.status is StripeInvoiceStatus.DRAFT
        if not is_draft or work.intents.is_unsettled_for(invoice.id):
            return
        reference, now = self._identifiers.reference(), self._clock.now()
        work.intents.add(plan_delete(invoice, because=BECAUSE, reference=reference, now=now))
        _log.warning("stuck draft is undone", extra={"invoice_id": invoice.id})

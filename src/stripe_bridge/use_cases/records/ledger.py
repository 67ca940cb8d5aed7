"""The ledger of refunds and disputes: Stripe's own objects set its entries, however we learn of them."""

from __future__ import annotations

import logging
from dataclasses import replace

from stripe_bridge.domain.dispute import newest_status, observe_dispute, total_lost
from stripe_bridge.domain.invoice import Invoice, SnapshotOrder
from stripe_bridge.domain.recovery import RecoveryHold
from stripe_bridge.domain.refund import Refund, RefundState, total_refunded
from stripe_bridge.domain.refusal import Refusal
from stripe_bridge.domain.stripe_objects import METADATA_REFERENCE, StripeDispute, StripeRefund
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.records.adopt import hold_sends, ids_of
from stripe_bridge.use_cases.records.signed_metadata import SignedMetadata

_log = logging.getLogger(__name__)


class RefundLedger:
    """Records Stripe's refunds and disputes of a locked invoice, and sets the invoice's totals from them."""

    def __init__(self, clock: Clock, signed: SignedMetadata) -> None:
        self._clock, self._signed = clock, signed

    def find_refund(self, work: UnitOfWork, account_id: str, seen: StripeRefund) -> Refund | None:
        """By Stripe's id, else by the reference of the intent that made it: a webhook may arrive before the response.

        Metadata can be copied: a refund that has the reference of one whose Stripe id we already know is a different one.
        """
        known = work.refunds.find_by_stripe_id(account_id, seen.id)
        if known is not None or METADATA_REFERENCE not in seen.metadata:
            return known
        requested = work.refunds.find_by_reference(seen.metadata[METADATA_REFERENCE])
        if requested is None or requested.account_id != account_id or requested.stripe_refund_id is not None:
            return None
        return requested

    def record_refund(
        self, work: UnitOfWork, invoice: Invoice, seen: StripeRefund, *, may_be_late: bool = False
    ) -> Invoice:
        """Record a refund, or its new state. One that is not known yet was made in Stripe's dashboard, or by a database that
        was lost: that one gets the id that it had.

        `may_be_late`: the ledger may have been changed since Stripe showed this. A refund may go back and forth between
        pending and waiting for the customer, so if it is unclear which is newer, the ledger stays as it is: another event
        will bring the current state.
        """
        known = self.find_refund(work, invoice.stripe_account_id, seen)
        if known is None:
            self._add_unknown(work, invoice, seen)
        elif not (may_be_late and known.compare(seen) is SnapshotOrder.UNCLEAR):
            after = known.observe(seen, self._clock.now())
            if after != known:
                work.refunds.save(after)
        if seen.charge_id is not None:
            work.links.add(invoice.stripe_account_id, invoice.id, [seen.charge_id])
        return self._set_refund_totals(work, invoice)

    def release(self, work: UnitOfWork, refund_id: int, reason: str, refusal: Refusal | None = None) -> None:
        """Release the reservation of a refund that Stripe refused."""
        reserved = work.refunds.find(refund_id)
        if reserved is not None and reserved.state is RefundState.RESERVED:
            work.refunds.save(reserved.refuse(reason, self._clock.now(), refusal))

    def record_dispute(self, work: UnitOfWork, invoice: Invoice, seen: StripeDispute) -> Invoice:
        account_id = invoice.stripe_account_id
        known = work.disputes.find(account_id, seen.id)
        if known is None or not known.agrees_with(seen):
            work.disputes.put(observe_dispute(known, seen, invoice_id=invoice.id, account_id=account_id))
        disputes = work.disputes.of_invoice(invoice.id)
        shown = invoice.set_dispute_totals(newest_status(disputes), total_lost(disputes), self._clock.now())
        return invoice if shown == invoice else work.invoices.save(shown)

    def _original_of(self, work: UnitOfWork, invoice: Invoice, seen: StripeRefund) -> Refund | None:
        """The refund whose reference it bears. One call has one refund: a second is money given back twice."""
        first = work.refunds.find_by_reference(seen.metadata.get(METADATA_REFERENCE, ""))
        return first if first is not None and first.account_id == invoice.stripe_account_id else None

    def _add_unknown(self, work: UnitOfWork, invoice: Invoice, seen: StripeRefund) -> None:
        original = self._original_of(work, invoice, seen)
        refund = replace(
            self._from_dashboard(invoice, seen), duplicate_of=None if original is None else original.id
        )
        made = self._signed.refund(invoice.stripe_account_id, seen)
        is_of_invoice = made is not None and (made.tenant_id, made.sales_order_id) == (
            invoice.tenant_id,
            invoice.sales_order_id,
        )
        if made is None or not is_of_invoice or work.refunds.find_by_reference(made.reference) is not None:
            added = work.refunds.add(refund)
            # In a dry run it gets no id, and nobody is to be called.
            if original is not None and added.id > 0:
                _log_duplicate(original, added)
            return
        hold = RecoveryHold(
            tenant_id=invoice.tenant_id,
            account_id=invoice.stripe_account_id,
            held_at=self._clock.now(),
            stripe_invoice_id=invoice.stripe_invoice_id,
        )
        hold_sends(work, hold, ids_of(made))
        refund = replace(refund, id=made.refund_id or 0, reference=made.reference)
        if not work.refunds.restore(refund):
            # It was given out again before the restore was noticed.
            added = work.refunds.add(refund)
            _log.warning("refund id taken", extra={"refund_id": made.refund_id, "stored_as": added.id})

    def _from_dashboard(self, invoice: Invoice, seen: StripeRefund) -> Refund:
        return Refund(
            id=0,
            tenant_id=invoice.tenant_id,
            invoice_id=invoice.id,
            account_id=invoice.stripe_account_id,
            payment_intent_id=seen.payment_intent_id,
            charge_id=seen.charge_id,
            amount=seen.amount,
            currency=invoice.currency,
            created_at=seen.created_at,
            updated_at=self._clock.now(),
            state=RefundState(seen.status),
            stripe_refund_id=seen.id,
            reason=seen.reason,
            failure_reason=seen.failure_reason,
        )

    def _set_refund_totals(self, work: UnitOfWork, invoice: Invoice) -> Invoice:
        refunds = work.refunds.of_invoice(invoice.id)
        last_at = max((refund.created_at for refund in refunds if refund.is_effective), default=None)
        shown = invoice.set_refund_totals(total_refunded(refunds), last_at, self._clock.now())
        return invoice if shown == invoice else work.invoices.save(shown)


def _log_duplicate(original: Refund, added: Refund) -> None:
    facts = {
        "invoice_id": added.invoice_id,
        "account_id": added.account_id,
        "refunds": [original.stripe_refund_id, added.stripe_refund_id],
        "amount": added.amount,
    }
    _log.error("refund duplicated at Stripe", extra=facts)

"""Recording what Stripe shows of an invoice: the only way in which snapshots, from calls and webhooks alike, change it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from stripe_bridge.domain.invoice import Invoice, SnapshotOrder
from stripe_bridge.domain.origin import Actor
from stripe_bridge.domain.payment import (
    Payment,
    observe_payment,
    primary_payment,
    progress_of,
    total_collected,
)
from stripe_bridge.domain.stripe_objects import StripeInvoice, StripePayment
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.ports.system import Clock


def lock_invoice(work: UnitOfWork, invoice: Invoice) -> Invoice:
    """The invoice, locked after its order: a change of what is settled has to lock the order first."""
    return work.invoices.lock(invoice.id) or invoice


def find_invoice(work: UnitOfWork, account_id: str, *stripe_ids: str | None) -> Invoice | None:
    """Our invoice that the first linked one of these ids belongs to: its own, a payment intent's or a charge's."""
    for stripe_id in stripe_ids:
        invoice_id = None if stripe_id is None else work.links.find_invoice_id(account_id, stripe_id)
        if invoice_id is not None:
            return work.invoices.find(invoice_id)
    return None


class RecordInvoice:
    """Bring a locked invoice to a snapshot: state, links and payments. A snapshot that is not newer changes nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __call__(
        self, work: UnitOfWork, invoice: Invoice, snapshot: StripeInvoice, *, event_at: datetime | None = None
    ) -> Invoice:
        """`event_at` is when the event was created that carries the snapshot, None for an answer to a call of ours."""
        observed = invoice.observe(snapshot, self._clock.now(), event_at=event_at)
        return self._record(work, invoice, observed, snapshot)

    def confirm(self, work: UnitOfWork, invoice: Invoice) -> Invoice:
        """Note that a reading just now showed what is known."""
        confirmed = invoice.confirm(self._clock.now())
        return invoice if confirmed == invoice else work.invoices.save(confirmed)

    def renew_links(self, work: UnitOfWork, invoice: Invoice, snapshot: StripeInvoice) -> Invoice:
        """Take over the links of a snapshot that was read just now, if the present ones end soon."""
        now = self._clock.now()
        return (
            work.invoices.save(invoice.renew_links(snapshot, now)) if invoice.links_end_soon(now) else invoice
        )

    def record_response(
        self,
        work: UnitOfWork,
        invoice: Invoice,
        snapshot: StripeInvoice,
        *,
        voided_by: Actor | None = None,
    ) -> Invoice:
        """Like `__call__`, for the response to a call to Stripe: the invoice may have been changed in the meantime.

        If it is unclear which is newer, ours stays as it is: an event, or else the sweep, brings Stripe's state.

        `voided_by` is who asked for the call, if it voided the invoice.
        """
        is_unclear = invoice.compare(snapshot) is SnapshotOrder.UNCLEAR
        now = self._clock.now()
        observed = invoice if is_unclear else invoice.observe(snapshot, now)
        return self._record(work, invoice, observed.name_voider(voided_by, now), snapshot)

    def correct(
        self,
        work: UnitOfWork,
        invoice: Invoice,
        current: StripeInvoice,
        payments: Sequence[StripePayment],
    ) -> Invoice:
        """Bring an invoice back to what Stripe shows, and its payments to those that Stripe has."""
        account_id = invoice.stripe_account_id
        known = {each.stripe_id: each.cancel() for each in work.payments.of_invoice(invoice.id)}
        for seen in payments:
            known[seen.id] = observe_payment(None, seen, invoice_id=invoice.id, account_id=account_id)
            work.links.add(account_id, invoice.id, _ids(seen))
        for payment in known.values():
            work.payments.put(payment)
        corrected = invoice.correct(current, self._clock.now())
        return work.invoices.save(self._with_totals(corrected, known.values()))

    def _record(
        self, work: UnitOfWork, invoice: Invoice, observed: Invoice, snapshot: StripeInvoice
    ) -> Invoice:
        if invoice.stripe_invoice_id is None:
            work.links.add(invoice.stripe_account_id, invoice.id, [snapshot.id])
        if snapshot.payments:
            observed = self._set_payment_totals(work, observed, snapshot.payments)
        return observed if observed == invoice else work.invoices.save(observed)

    def record_payments(
        self,
        work: UnitOfWork,
        invoice: Invoice,
        snapshots: Sequence[StripePayment],
        *,
        is_current: bool = False,
    ) -> Invoice:
        """Record payments of a locked invoice, and set its totals and its primary payment from them.

        `is_current`: the invoice was not changed since Stripe showed them, so that how far they have come counts as well.
        """
        updated = self._set_payment_totals(work, invoice, snapshots, is_current=is_current)
        return updated if updated == invoice else work.invoices.save(updated)

    def record_charge(
        self,
        work: UnitOfWork,
        invoice: Invoice,
        payment_intent_id: str,
        charge_id: str,
        *,
        succeeded: bool,
        method: str | None = None,
    ) -> Invoice:
        """Record a charge of one of the invoice's known payments; one that failed is only linked."""
        work.links.add(invoice.stripe_account_id, invoice.id, [charge_id])
        payment = work.payments.find(invoice.stripe_account_id, payment_intent_id)
        charged = None if payment is None else payment.charged_by(charge_id, method)
        if not succeeded or charged is None or charged == payment:
            return invoice
        work.payments.put(charged)
        return self.record_payments(work, invoice, [])

    def _set_payment_totals(
        self,
        work: UnitOfWork,
        invoice: Invoice,
        snapshots: Sequence[StripePayment],
        *,
        is_current: bool = False,
    ) -> Invoice:
        account_id = invoice.stripe_account_id
        known = {payment.stripe_id: payment for payment in work.payments.of_invoice(invoice.id)}
        for snapshot in snapshots:
            before = known.get(snapshot.id)
            after = observe_payment(
                before, snapshot, invoice_id=invoice.id, account_id=account_id, is_current=is_current
            )
            if after != before:
                work.payments.put(after)
                known[snapshot.id] = after
                work.links.add(account_id, invoice.id, _ids(snapshot))
        return self._with_totals(invoice, known.values())

    def _with_totals(self, invoice: Invoice, payments: Collection[Payment]) -> Invoice:
        now = self._clock.now()
        totaled = invoice.set_payment_totals(primary_payment(payments), total_collected(payments), now)
        return totaled.set_payment_progress(*progress_of(payments), now)


def _ids(payment: StripePayment) -> list[str]:
    return [id_ for id_ in (payment.payment_intent_id, payment.charge_id) if id_ is not None]

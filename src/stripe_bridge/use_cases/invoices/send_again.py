"""Emailing an open invoice once more."""

from __future__ import annotations

from datetime import datetime, timedelta

from stripe_bridge.domain.errors.conflicts import InvoiceSentRecently
from stripe_bridge.domain.errors.outcomes import EmailRefused
from stripe_bridge.domain.errors.rules import IntegrationNotConnected, InvoiceNotPayable
from stripe_bridge.domain.intent import Intent, IntentState
from stripe_bridge.domain.intent_plans import plan_send_again
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.ports.storage.unit_of_work import IntentUnsettled, Store, UnitOfWork
from stripe_bridge.ports.system import Clock, Identifiers
from stripe_bridge.use_cases.intents.settle import SettleIntent
from stripe_bridge.use_cases.intents.wait import find_blocking_intent, settle_or_wait
from stripe_bridge.use_cases.invoices.views import InvoiceView, view_invoices
from stripe_bridge.use_cases.records.adopt import check_not_recovering

TIMEOUT = timedelta(seconds=10)
EVERY = timedelta(minutes=1)


class SendInvoiceAgain:
    """Have Stripe email an open invoice to its customer again, at most once a minute.

    Raises InvoiceNotFound, Recovering, IntentUnsettled while another call on it is open, InvoiceNotPayable unless it is open,
    InvoiceSentRecently, IntegrationNotConnected; EmailRefused if Stripe refuses, IntentUnsettled if it does not answer.
    """

    def __init__(self, store: Store, clock: Clock, identifiers: Identifiers, settle: SettleIntent) -> None:
        self._store, self._clock, self._identifiers, self._settle = store, clock, identifiers, settle

    def __call__(self, tenant_id: str, invoice_id: int) -> InvoiceView:
        now = self._clock.now()
        with self._store.writing() as work:
            invoice = work.invoices.get(tenant_id, invoice_id, lock=True)
            check_not_recovering(work, tenant_id, invoice.stripe_account_id)
            intent_id = work.intents.add(self._plan(work, invoice, now)).id
            work.commit()
        settle_or_wait(self._store, self._clock, self._settle, intent_id, now + TIMEOUT)
        return self._outcome(tenant_id, invoice_id, intent_id)

    def _plan(self, work: UnitOfWork, invoice: Invoice, now: datetime) -> Intent:
        if find_blocking_intent(work, invoice) is not None:
            raise IntentUnsettled
        if invoice.status is not InvoiceStatus.OPEN:
            raise InvoiceNotPayable
        if invoice.sent_at is not None and now < invoice.sent_at + EVERY:
            raise InvoiceSentRecently
        holder = work.integrations.find_by_account(invoice.stripe_account_id)
        if holder is None or not holder.can_act_for(invoice.tenant_id, invoice.stripe_account_id):
            raise IntegrationNotConnected
        return plan_send_again(invoice, reference=self._identifiers.reference(), now=now)

    def _outcome(self, tenant_id: str, invoice_id: int, intent_id: int) -> InvoiceView:
        with self._store.reading() as work:
            (view,) = view_invoices(work, [work.invoices.get(tenant_id, invoice_id)])
            intent = work.intents.find(intent_id)
        if intent is not None and intent.refusal is not None:
            raise EmailRefused(intent.refusal)
        if intent is None or intent.state is not IntentState.CONFIRMED:
            raise IntentUnsettled
        return view

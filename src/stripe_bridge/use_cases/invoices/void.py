"""Voiding an invoice: first at Stripe, and the caller then gets what Stripe shows."""

from __future__ import annotations

from datetime import datetime, timedelta

from stripe_bridge.domain.errors.conflicts import InvoiceBeingSent
from stripe_bridge.domain.errors.outcomes import InvoiceNotVoided, VoidRefused
from stripe_bridge.domain.errors.rules import IntegrationNotConnected
from stripe_bridge.domain.intent import Intent, Operation
from stripe_bridge.domain.intent_plans import plan_delete, plan_void
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.system import Clock, Identifiers
from stripe_bridge.use_cases.intents.settle import SettleIntent
from stripe_bridge.use_cases.intents.wait import (
    find_blocking_intent,
    settle_or_wait,
    wait_for_invoice,
)
from stripe_bridge.use_cases.invoices.views import InvoiceView, view_invoices

TIMEOUT = timedelta(seconds=10)
_ENDING = frozenset({Operation.VOID, Operation.DELETE_DRAFT})


class VoidInvoice:
    """Void an open invoice, or delete a draft: either way it becomes `void` here, and its order is free.

    Raises InvoiceNotFound, InvoiceNotVoidable (paid, uncollectible, void, partly paid), IntegrationNotConnected,
    InvoiceBeingSent after waiting for its sending, VoidRefused if Stripe refuses, InvoiceNotVoided if it does not answer,
    even if another request had asked to void it.
    """

    def __init__(self, store: Store, clock: Clock, identifiers: Identifiers, settle: SettleIntent) -> None:
        self._store, self._clock, self._identifiers, self._settle = store, clock, identifiers, settle

    def __call__(self, tenant_id: str, invoice_id: int) -> InvoiceView:
        deadline = self._clock.now() + TIMEOUT
        intent_id = self._add_intent(tenant_id, invoice_id, deadline)
        settle_or_wait(self._store, self._clock, self._settle, intent_id, deadline)
        return self._outcome(tenant_id, invoice_id, intent_id)

    def _add_intent(self, tenant_id: str, invoice_id: int, deadline: datetime) -> int:
        """The id of the intent, once no other call on the invoice is open."""
        while True:
            with self._store.writing() as work:
                invoice = work.invoices.get(tenant_id, invoice_id, lock=True)
                blocking = find_blocking_intent(work, invoice)
                if blocking is None and invoice.status is not InvoiceStatus.RESERVED:
                    intent_id = work.intents.add(self._plan(work, invoice)).id
                    work.commit()
                    return intent_id
            if self._clock.now() >= deadline:
                is_ending = blocking is not None and blocking.operation in _ENDING
                raise InvoiceNotVoided(final=False) if is_ending else InvoiceBeingSent
            wait_for_invoice(self._store, self._clock, self._settle, invoice_id, deadline)

    def _plan(self, work: UnitOfWork, invoice: Invoice) -> Intent:
        invoice.check_voidable()
        holder = work.integrations.find_by_account(invoice.stripe_account_id)
        if holder is None or not holder.can_act_for(invoice.tenant_id, invoice.stripe_account_id):
            raise IntegrationNotConnected
        plan = plan_delete if invoice.status is InvoiceStatus.DRAFT else plan_void
        return plan(invoice, because=None, reference=self._identifiers.reference(), now=self._clock.now())

    def _outcome(self, tenant_id: str, invoice_id: int, intent_id: int) -> InvoiceView:
        with self._store.reading() as work:
            (view,) = view_invoices(work, [work.invoices.get(tenant_id, invoice_id)])
            intent = work.intents.find(intent_id)
        invoice = view.invoice
        if invoice.status is InvoiceStatus.VOID:
            return view
        # The customer, or the merchant, may have been faster.
        invoice.check_voidable()
        if intent is not None and intent.refusal is not None:
            raise VoidRefused(intent.refusal)
        raise InvoiceNotVoided(final=intent is None or intent.is_settled)

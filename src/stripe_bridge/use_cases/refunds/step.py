"""The step that asks Stripe for a refund."""

from __future__ import annotations

from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.stripe_objects import METADATA_REFERENCE, StripeRefund
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.ports.stripe.errors import GatewayRefused
from stripe_bridge.ports.stripe.refunds import RefundDraft, RefundGateway
from stripe_bridge.use_cases.records.invoices import lock_invoice
from stripe_bridge.use_cases.records.ledger import RefundLedger


class RefundStep:
    """Ask Stripe for a reserved refund."""

    def __init__(self, gateway: RefundGateway, ledger: RefundLedger) -> None:
        self._gateway, self._ledger = gateway, ledger

    def find_effect(self, intent: Intent) -> StripeRefund | None:
        refunds = self._gateway.refunds_of(
            intent.account_id,
            payment_intent_id=intent.parameters["payment_intent_id"],
            charge_id=intent.parameters["charge_id"],
        )
        made = (refund for refund in refunds if refund.metadata.get(METADATA_REFERENCE) == intent.reference)
        return next(made, None)

    def call(self, intent: Intent) -> StripeRefund:
        draft = RefundDraft(
            payment_intent_id=intent.parameters["payment_intent_id"],
            charge_id=intent.parameters["charge_id"],
            amount=intent.parameters["amount"],
            reason=intent.parameters["reason"],
            metadata={METADATA_REFERENCE: intent.reference},
        )
        return self._gateway.create_refund(intent.account_id, draft, intent.idempotency_key)

    def on_success(self, work: UnitOfWork, intent: Intent, result: StripeRefund) -> Intent | None:
        invoice = work.invoices.find(intent.parameters["invoice"])
        assert invoice is not None
        self._ledger.refund(work, lock_invoice(work, invoice), result, may_be_late=True)
        return None

    def on_refusal(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        self._ledger.refuse(work, intent.parameters["refund"], error.reason)
        return None

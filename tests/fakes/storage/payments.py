"""Payments, refunds and disputes, on the tables of one transaction."""

from collections.abc import Mapping, Sequence

from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.errors.conflicts import StaleWrite
from stripe_bridge.domain.payment import Payment
from stripe_bridge.domain.refund import Refund
from tests.fakes.storage.tables import Tables, add, must_exist, save


class FakePayments:
    def __init__(self, tables: Tables) -> None:
        self._payments = tables.payments
        self._invoices = tables.invoices

    def find(self, account_id: str, payment_intent_id: str) -> Payment | None:
        found = self._payments.matching(
            lambda each: (each.account_id, each.payment_intent_id) == (account_id, payment_intent_id)
        )
        return found[0] if found else None

    def of_invoice(self, invoice_id: int) -> Sequence[Payment]:
        found = self._payments.matching(lambda each: each.invoice_id == invoice_id)
        return sorted(found, key=lambda each: each.stripe_id)

    def of_invoices(self, invoice_ids: Sequence[int]) -> Mapping[int, Sequence[Payment]]:
        return {invoice_id: self.of_invoice(invoice_id) for invoice_id in invoice_ids}

    def put(self, payment: Payment) -> None:
        must_exist(self._invoices.find(payment.invoice_id))
        self._payments.put((payment.account_id, payment.stripe_id), payment)


class FakeRefunds:
    def __init__(self, tables: Tables) -> None:
        self._refunds = tables.refunds
        self._invoices = tables.invoices

    def add(self, refund: Refund) -> Refund:
        self._check_new(refund)
        return add(self._refunds, refund)

    def restore(self, refund: Refund) -> bool:
        if self._refunds.find(refund.id) is not None:
            return False
        self._check_new(refund)
        self._refunds.put(refund.id, refund)
        return True

    def _check_new(self, refund: Refund) -> None:
        must_exist(self._invoices.find(refund.invoice_id))
        if refund.stripe_refund_id and self.find_by_stripe_id(refund.account_id, refund.stripe_refund_id):
            raise StaleWrite
        if refund.reference and self.find_by_reference(refund.reference):
            raise StaleWrite

    def find(self, refund_id: int) -> Refund | None:
        return self._refunds.find(refund_id)

    def find_by_stripe_id(self, account_id: str, stripe_refund_id: str) -> Refund | None:
        wanted = (account_id, stripe_refund_id)
        found = self._refunds.matching(lambda each: (each.account_id, each.stripe_refund_id) == wanted)
        return found[0] if found else None

    def find_by_reference(self, reference: str) -> Refund | None:
        found = self._refunds.matching(lambda each: each.reference == reference)
        return found[0] if found else None

    def of_invoice(self, invoice_id: int) -> Sequence[Refund]:
        return self._refunds.matching(lambda each: each.invoice_id == invoice_id)[::-1]

    def of_invoices(self, invoice_ids: Sequence[int]) -> Mapping[int, Sequence[Refund]]:
        return {invoice_id: self.of_invoice(invoice_id) for invoice_id in invoice_ids}

    def duplicates(self) -> Sequence[Refund]:
        return self._refunds.matching(lambda each: each.duplicate_of is not None)

    def save(self, refund: Refund) -> Refund:
        return save(self._refunds, refund)


class FakeDisputes:
    def __init__(self, tables: Tables) -> None:
        self._disputes = tables.disputes
        self._invoices = tables.invoices

    def find(self, account_id: str, stripe_dispute_id: str) -> Dispute | None:
        return self._disputes.find((account_id, stripe_dispute_id))

    def of_invoice(self, invoice_id: int) -> Sequence[Dispute]:
        found = self._disputes.matching(lambda each: each.invoice_id == invoice_id)
        return sorted(found, key=lambda each: (each.opened_at, each.stripe_id), reverse=True)

    def of_invoices(self, invoice_ids: Sequence[int]) -> Mapping[int, Sequence[Dispute]]:
        return {invoice_id: self.of_invoice(invoice_id) for invoice_id in invoice_ids}

    def put(self, dispute: Dispute) -> None:
        must_exist(self._invoices.find(dispute.invoice_id))
        self._disputes.put((dispute.account_id, dispute.stripe_id), dispute)

"""Refunds and disputes, stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import bindparam

from stripe_bridge.adapters.database.any_of import any_of
from stripe_bridge.adapters.database.mapping import AggregateMapper, Mapper, upsert
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.payments import IS_DUPLICATE, DisputeRow, RefundRow
from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.refund import Refund

_REFUNDS = AggregateMapper(Refund, RefundRow)
_REFUND = _REFUNDS.table.c
_REFUND_BY_ID = _REFUNDS.select.where(_REFUND.id == bindparam("id"))
_REFUND_BY_STRIPE_ID = _REFUNDS.select.where(
    _REFUND.account_id == bindparam("account_id"), _REFUND.stripe_refund_id == bindparam("stripe_refund_id")
)
_REFUND_BY_REFERENCE = _REFUNDS.select.where(_REFUND.reference == bindparam("reference"))
_REFUNDS_OF_INVOICE = _REFUNDS.select.where(_REFUND.invoice_id == bindparam("invoice_id")).order_by(
    _REFUND.id.desc()
)
_REFUNDS_OF_INVOICES = _REFUNDS.select.where(any_of(_REFUND.invoice_id, "invoice_ids"))
_DUPLICATES = _REFUNDS.select.where(IS_DUPLICATE).order_by(_REFUND.id)

_DISPUTES = Mapper(Dispute, DisputeRow)
_DISPUTE = _DISPUTES.table.c
_DISPUTE_BY_KEY = _DISPUTES.select.where(
    _DISPUTE.account_id == bindparam("account_id"), _DISPUTE.stripe_id == bindparam("stripe_id")
)
_DISPUTES_OF_INVOICE = _DISPUTES.select.where(_DISPUTE.invoice_id == bindparam("invoice_id"))
_DISPUTES_OF_INVOICES = _DISPUTES.select.where(any_of(_DISPUTE.invoice_id, "invoice_ids"))
_PUT_DISPUTE = upsert(_DISPUTES.table)


class SqlRefunds:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, refund: Refund) -> Refund:
        return replace(refund, id=self._transaction.add(_REFUNDS, refund))

    def restore(self, refund: Refund) -> bool:
        return self._transaction.restore(_REFUNDS, refund)

    def find(self, refund_id: int) -> Refund | None:
        return self._transaction.find(_REFUNDS, _REFUND_BY_ID, id=refund_id)

    def find_by_stripe_id(self, account_id: str, stripe_refund_id: str) -> Refund | None:
        return self._transaction.find(
            _REFUNDS, _REFUND_BY_STRIPE_ID, account_id=account_id, stripe_refund_id=stripe_refund_id
        )

    def find_by_reference(self, reference: str) -> Refund | None:
        return self._transaction.find(_REFUNDS, _REFUND_BY_REFERENCE, reference=reference)

    def of_invoice(self, invoice_id: int) -> Sequence[Refund]:
        return self._transaction.list(_REFUNDS, _REFUNDS_OF_INVOICE, invoice_id=invoice_id)

    def of_invoices(self, invoice_ids: Sequence[int]) -> Mapping[int, Sequence[Refund]]:
        found: dict[int, list[Refund]] = {each: [] for each in invoice_ids}
        refunds = self._transaction.list(_REFUNDS, _REFUNDS_OF_INVOICES, invoice_ids=list(found))
        for refund in sorted(refunds, key=lambda refund: refund.id, reverse=True):
            found[refund.invoice_id].append(refund)
        return found

    def duplicates(self) -> Sequence[Refund]:
        return self._transaction.list(_REFUNDS, _DUPLICATES)

    def save(self, refund: Refund) -> Refund:
        return self._transaction.save(_REFUNDS, refund)


class SqlDisputes:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def find(self, account_id: str, stripe_dispute_id: str) -> Dispute | None:
        return self._transaction.find(
            _DISPUTES, _DISPUTE_BY_KEY, account_id=account_id, stripe_id=stripe_dispute_id
        )

    def of_invoice(self, invoice_id: int) -> Sequence[Dispute]:
        return _newest_first(self._transaction.list(_DISPUTES, _DISPUTES_OF_INVOICE, invoice_id=invoice_id))

    def of_invoices(self, invoice_ids: Sequence[int]) -> Mapping[int, Sequence[Dispute]]:
        found: dict[int, list[Dispute]] = {each: [] for each in invoice_ids}
        disputes = self._transaction.list(_DISPUTES, _DISPUTES_OF_INVOICES, invoice_ids=list(found))
        for dispute in _newest_first(disputes):
            found[dispute.invoice_id].append(dispute)
        return found

    def put(self, dispute: Dispute) -> None:
        self._transaction.execute(_PUT_DISPUTE, _DISPUTES.values(dispute))
        self._transaction.put(dispute)


def _newest_first(disputes: Sequence[Dispute]) -> Sequence[Dispute]:
    """Sorted here: a database sorts text by its own locale."""
    return sorted(disputes, key=lambda dispute: (dispute.opened_at, dispute.stripe_id), reverse=True)

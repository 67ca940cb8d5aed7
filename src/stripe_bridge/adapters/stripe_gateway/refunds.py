"""Refunds of direct charges, which come out of the merchant's own balance; and disputes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from stripe_bridge.adapters.stripe_gateway import snapshots
from stripe_bridge.adapters.stripe_gateway.client import StripeCalls, StripeConfig, TokenFor
from stripe_bridge.domain.stripe_objects import StripeDispute, StripeRefund
from stripe_bridge.ports.stripe.errors import ObjectMissing
from stripe_bridge.ports.stripe.refunds import RefundDraft

if TYPE_CHECKING:
    from stripe.params import DisputeListParams, RefundCreateParams, RefundListParams

_PAGE = 100


class StripeRefundGateway:
    def __init__(self, config: StripeConfig, token_for: TokenFor | None = None) -> None:
        self._stripe = StripeCalls(config, token_for)

    def create_refund(self, account_id: str, draft: RefundDraft, key: str) -> StripeRefund:
        params: dict[str, Any] = {
            **_of_payment(draft.payment_intent_id, draft.charge_id),
            "amount": draft.amount,
            "metadata": dict(draft.metadata),
        }
        if draft.reason is not None:
            params["reason"] = draft.reason
        with self._stripe.change(account_id, key) as options:
            return snapshots.refund(
                self._stripe.v1.refunds.create(cast("RefundCreateParams", params), options)
            )

    def refunds_of(
        self, account_id: str, *, payment_intent_id: str | None, charge_id: str | None
    ) -> Sequence[StripeRefund]:
        params: dict[str, Any] = {**_of_payment(payment_intent_id, charge_id), "limit": _PAGE}
        try:
            with self._stripe.lookup(account_id) as options:
                found = self._stripe.v1.refunds.list(cast("RefundListParams", params), options)
                return [snapshots.refund(each) for each in found.auto_paging_iter()]
        except ObjectMissing:
            return []

    def refunds_since(self, account_id: str, since: datetime) -> Iterator[StripeRefund]:
        with self._stripe.lookup(account_id) as options:
            found = self._stripe.v1.refunds.list(_since(since), options)
            for each in found.auto_paging_iter():
                yield snapshots.refund(each)

    def refund(self, account_id: str, refund_id: str) -> StripeRefund:
        with self._stripe.lookup(account_id) as options:
            return snapshots.refund(self._stripe.v1.refunds.retrieve(refund_id, {}, options))

    def disputes_of(
        self, account_id: str, *, payment_intent_id: str | None, charge_id: str | None
    ) -> Sequence[StripeDispute]:
        params: dict[str, Any] = {**_of_payment(payment_intent_id, charge_id), "limit": _PAGE}
        try:
            with self._stripe.lookup(account_id) as options:
                found = self._stripe.v1.disputes.list(cast("DisputeListParams", params), options)
                return [snapshots.dispute(each) for each in found.auto_paging_iter()]
        except ObjectMissing:
            return []

    def disputes_since(self, account_id: str, since: datetime) -> Iterator[StripeDispute]:
        with self._stripe.lookup(account_id) as options:
            found = self._stripe.v1.disputes.list({**_since(since)}, options)
            for each in found.auto_paging_iter():
                yield snapshots.dispute(each)

    def dispute(self, account_id: str, dispute_id: str) -> StripeDispute:
        with self._stripe.lookup(account_id) as options:
            return snapshots.dispute(self._stripe.v1.disputes.retrieve(dispute_id, {}, options))


def _since(moment: datetime) -> RefundListParams:
    return {"created": {"gte": int(moment.timestamp())}, "limit": _PAGE}


def _of_payment(payment_intent_id: str | None, charge_id: str | None) -> dict[str, str]:
    """Stripe takes one of the two. Given neither, it would list those of the whole account."""
    if payment_intent_id is not None:
        return {"payment_intent": payment_intent_id}
    if charge_id is not None:
        return {"charge": charge_id}
    raise ValueError("neither a payment intent nor a charge")

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stripe_bridge.adapters.web.endpoints import ApiRequest, operation
from stripe_bridge.adapters.web.problem_types import WHATEVER_STRIPE_SAYS
from stripe_bridge.adapters.web.schemas.refunds import NewRefund, RefundIssued, RefundList
from stripe_bridge.adapters.web.views.sequence import sequence_of
from stripe_bridge.domain.access import Permission
from stripe_bridge.domain.errors.base import InvoiceNotFound
from stripe_bridge.domain.errors.outcomes import Recovering, RefundNotIssued
from stripe_bridge.domain.errors.rules import (
    AmountOverRefundable,
    IntegrationNotConnected,
    NothingCollected,
    RefundBlockedByDispute,
)
from stripe_bridge.domain.errors.values import AmountNotChargeable
from stripe_bridge.domain.refund import Refund, RefundReason, RefundSource, RefundState
from stripe_bridge.use_cases.refunds.issue import IssueRefundCommand

_PATH = "/api/stripe/invoices/<id:invoice_id>/refunds"


@operation(
    "POST",
    _PATH,
    permission=Permission.REFUND_INVOICES,
    body=NewRefund,
    answers={201: RefundIssued, 202: RefundIssued},
    problems=(
        InvoiceNotFound,
        IntegrationNotConnected,
        Recovering,
        AmountNotChargeable,
        NothingCollected,
        RefundBlockedByDispute,
        AmountOverRefundable,
        RefundNotIssued,
        *WHATEVER_STRIPE_SAYS,
    ),
    limit="20/minute",
    says_sequence=True,
    documented={
        "responses": {
            201: {"description": "What was refunded"},
            202: {"description": "What is being refunded: Stripe's answer is not known yet"},
        }
    },
)
def issue_refund(request: ApiRequest, invoice_id: int) -> Any:
    """Issue Refund

    202 if Stripe's answer is not known yet: the service finds out by itself, and keeps the amount reserved until then.

    A refund that is split over several payments may be refused for some: `amount` is then less than what was requested.
    If Stripe refuses all of it, that is a 422 with its message in `stripe`.
    """
    reason = RefundReason(request.body["reason"]) if "reason" in request.body else None
    command = IssueRefundCommand(
        tenant_id=request.principal.tenant_id,
        user_id=request.principal.user_id,
        invoice_id=invoice_id,
        amount=request.body.get("amount"),
        reason=reason,
        source=RefundSource.API,
        request=request.name,
    )
    issued = request.bridge.refunds.issue(command)
    is_pending = any(refund.state is RefundState.RESERVED for refund in issued.refunds)
    summary = "Refund pending" if is_pending else "Refund issued"
    # Not a failure: money went back, and asking again for all of it would send more.
    in_part = " in part: Stripe refused the rest" if issued.amount_refused else ""
    body = {"data": _as_single_refund(issued.refunds), "message": f"{summary}{in_part}."}
    return body, 202 if is_pending else 201, sequence_of(request, invoice_id=invoice_id)


@operation("GET", _PATH, permission=Permission.READ, answers={200: RefundList}, problems=(InvoiceNotFound,))
def list_refunds(request: ApiRequest, invoice_id: int) -> Any:
    """List Refunds of Invoice

    Newest first, including those made in Stripe's dashboard.
    """
    return {"data": request.bridge.refunds.list(request.principal.tenant_id, invoice_id)}


REFUNDS = (issue_refund, list_refunds)


def _as_single_refund(refunds: Sequence[Refund]) -> dict[str, Any]:
    """As one, whose status is that of the first refund that has not succeeded, if there is one."""
    unfinished = (refund.shown_status for refund in refunds if refund.state is not RefundState.SUCCEEDED)
    return {
        "refund_id": refunds[0].stripe_refund_id,
        "amount": sum(refund.amount for refund in refunds),
        "currency": refunds[0].currency,
        "status": next(unfinished, RefundState.SUCCEEDED.value),
        "refunds": refunds,
    }

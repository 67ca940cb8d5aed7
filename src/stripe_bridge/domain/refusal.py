"""What Stripe says when it refuses a call for good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Stripe's sentence, its code, and where its own logs have the request, as far as it gave them. Without secrets."""

    message: str
    code: str | None = None
    request_id: str | None = None
    request_log_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFailure:
    """Why a send was undone: Stripe refused it, or a customer's balance changed what would be due.

    Amounts in minor units; a negative balance is a credit.
    """

    refusal: Refusal | None = None
    amount_due: int | None = None
    customer_balance: int | None = None


def dump_refusal(refusal: Refusal) -> dict[str, Any]:
    """As JSON, with only what there is."""
    return {name: value for name, value in asdict(refusal).items() if value is not None}


def load_refusal(stored: Mapping[str, Any]) -> Refusal:
    return Refusal(**stored)


def dump_failure(failure: SendFailure) -> dict[str, Any]:
    amounts = {"amount_due": failure.amount_due, "customer_balance": failure.customer_balance}
    return {**amounts, "refusal": None if failure.refusal is None else dump_refusal(failure.refusal)}


def load_failure(stored: Mapping[str, Any]) -> SendFailure:
    refusal = stored["refusal"]
    return SendFailure(**{**stored, "refusal": None if refusal is None else load_refusal(refusal)})

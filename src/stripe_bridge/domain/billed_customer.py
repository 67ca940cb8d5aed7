"""A billed customer: the ERP's customer as one Stripe customer of one account.

One per account, ERP customer and lower-cased email. No invoice call takes an email, so another email makes another
Stripe customer, and none is ever edited.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerKey:
    tenant_id: str
    account_id: str
    erp_customer_id: int
    email: str

    @classmethod
    def of(cls, *, tenant_id: str, account_id: str, erp_customer_id: int, email: str) -> CustomerKey:
        return cls(
            tenant_id=tenant_id, account_id=account_id, erp_customer_id=erp_customer_id, email=email.lower()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledCustomer:
    """`stripe_customer_id` is None until Stripe has it, and again when Stripe has it no more."""

    id: int
    key: CustomerKey
    stripe_customer_id: str | None

"""A billed customer: the ERP's customer as a Stripe customer in one account.

There is one per account, ERP customer and lower-cased email. No invoice call takes an email, so a different email makes a
new Stripe customer, and none is ever edited.
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
    """`stripe_customer_id` is None until the customer exists at Stripe, and again once it no longer does."""

    id: int
    key: CustomerKey
    stripe_customer_id: str | None

"""How far an invoice is paid, and paid back, as callers see it."""

from __future__ import annotations

from enum import StrEnum


class RefundStatus(StrEnum):
    NONE = "none"
    PARTIAL = "partial"
    FULL = "full"


class PaymentStatus(StrEnum):
    NONE = "none"
    PENDING = "pending"
    FAILED = "failed"
    PARTIAL = "partial"
    PAID = "paid"

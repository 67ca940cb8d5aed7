"""Refunding invoices."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.use_cases.refunds.duplicates import AcceptDuplicate
from stripe_bridge.use_cases.refunds.issue import IssueRefund, ListRefunds


@dataclass(frozen=True, kw_only=True)
class Refunds:
    issue: IssueRefund
    list: ListRefunds
    accept_duplicate: AcceptDuplicate

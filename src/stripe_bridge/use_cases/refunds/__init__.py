"""Refunding invoices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stripe_bridge.domain.intent import Operation
from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.use_cases.intents.settle import SettleIntent
from stripe_bridge.use_cases.intents.step import Step
from stripe_bridge.use_cases.records.invoices import RecordInvoice
from stripe_bridge.use_cases.records.ledger import RefundLedger
from stripe_bridge.use_cases.records.signed_metadata import SignedMetadata
from stripe_bridge.use_cases.refunds.duplicates import AcceptDuplicate
from stripe_bridge.use_cases.refunds.issue import IssueRefund, ListRefunds, RefundStep


@dataclass(frozen=True, kw_only=True)
class Refunds:
    issue: IssueRefund
    list: ListRefunds
    accept_duplicate: AcceptDuplicate


def build_refunds(adapters: Adapters, settle: SettleIntent) -> Refunds:
    clock, signed = adapters.clock, SignedMetadata(adapters.signer)
    return Refunds(
        issue=IssueRefund(
            adapters.store,
            clock,
            adapters.identifiers,
            settle,
            adapters.invoice_gateway,
            adapters.refund_gateway,
            RecordInvoice(clock),
            RefundLedger(clock, signed),
            signed,
        ),
        list=ListRefunds(adapters.store),
        accept_duplicate=AcceptDuplicate(adapters.store, clock),
    )


def refund_steps(adapters: Adapters) -> Mapping[Operation, Step[Any]]:
    ledger = RefundLedger(adapters.clock, SignedMetadata(adapters.signer))
    return {Operation.REFUND: RefundStep(adapters.refund_gateway, ledger)}

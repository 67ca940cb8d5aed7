"""Sending, showing and voiding invoices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stripe_bridge.domain.intent import Operation
from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.use_cases.intents.settle import SettleIntent
from stripe_bridge.use_cases.intents.step import Step
from stripe_bridge.use_cases.invoices.links import RenewLinks
from stripe_bridge.use_cases.invoices.overdue import NoteOverdue
from stripe_bridge.use_cases.invoices.queries import (
    ListInvoices,
    ListOrderInvoices,
    ListTenantInvoices,
    ShowActivity,
    ShowInvoice,
)
from stripe_bridge.use_cases.invoices.revisions import CheckRevisions
from stripe_bridge.use_cases.invoices.search import SearchInvoices
from stripe_bridge.use_cases.invoices.send import SendInvoice
from stripe_bridge.use_cases.invoices.send_again import SendInvoiceAgain
from stripe_bridge.use_cases.invoices.steps import (
    AddLinesStep,
    CreateCustomerStep,
    CreateDraftStep,
    DeleteDraftStep,
    FinalizeStep,
    SendStep,
    VoidStep,
)
from stripe_bridge.use_cases.invoices.timeline import ShowInvoiceTimeline
from stripe_bridge.use_cases.invoices.void import VoidInvoice
from stripe_bridge.use_cases.records.invoices import RecordInvoice
from stripe_bridge.use_cases.records.signed_metadata import SignedMetadata


@dataclass(frozen=True, kw_only=True)
class Invoices:
    send: SendInvoice
    send_again: SendInvoiceAgain
    void: VoidInvoice
    show: ShowInvoice
    list: ListInvoices
    list_for_order: ListOrderInvoices
    list_for_tenant: ListTenantInvoices
    search: SearchInvoices
    show_activity: ShowActivity
    show_timeline: ShowInvoiceTimeline
    note_overdue: NoteOverdue


def build_invoices(adapters: Adapters, settle: SettleIntent, *, days_until_due: int) -> Invoices:
    store, clock, identifiers = adapters.store, adapters.clock, adapters.identifiers
    gateway = adapters.invoice_gateway
    revisions, signed = CheckRevisions(gateway, adapters.refund_gateway), SignedMetadata(adapters.signer)
    renew_links = RenewLinks(store, clock, gateway, RecordInvoice(clock))
    return Invoices(
        send=SendInvoice(store, clock, identifiers, settle, revisions, signed, days_until_due),
        send_again=SendInvoiceAgain(store, clock, identifiers, settle),
        void=VoidInvoice(store, clock, identifiers, settle),
        show=ShowInvoice(store, renew_links),
        list=ListInvoices(store),
        list_for_order=ListOrderInvoices(store),
        list_for_tenant=ListTenantInvoices(store),
        search=SearchInvoices(store),
        show_activity=ShowActivity(store),
        show_timeline=ShowInvoiceTimeline(store, renew_links),
        note_overdue=NoteOverdue(store, clock),
    )


def invoice_steps(adapters: Adapters) -> Mapping[Operation, Step[Any]]:
    gateway, clock, identifiers = adapters.invoice_gateway, adapters.clock, adapters.identifiers
    record, signed = RecordInvoice(clock), SignedMetadata(adapters.signer)
    return {
        Operation.CREATE_CUSTOMER: CreateCustomerStep(gateway, clock, identifiers, signed),
        Operation.CREATE_DRAFT: CreateDraftStep(gateway, clock, identifiers, record, signed),
        Operation.ADD_LINES: AddLinesStep(gateway, clock, identifiers, record),
        Operation.FINALIZE: FinalizeStep(gateway, clock, identifiers, record),
        Operation.SEND: SendStep(gateway, clock, identifiers, record),
        Operation.VOID: VoidStep(gateway, clock, identifiers, record),
        Operation.DELETE_DRAFT: DeleteDraftStep(gateway, clock, identifiers, record),
    }

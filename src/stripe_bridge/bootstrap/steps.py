"""Which step settles which operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stripe_bridge.bootstrap.ports import Adapters
from stripe_bridge.config import Settings
from stripe_bridge.domain.intent import Operation
from stripe_bridge.use_cases.integrations.disconnect import DeauthorizeStep
from stripe_bridge.use_cases.intents.step import Step
from stripe_bridge.use_cases.invoices.steps import (
    AddLinesStep,
    CreateCustomerStep,
    CreateDraftStep,
    DeleteDraftStep,
    FinalizeStep,
    SendStep,
    VoidStep,
)
from stripe_bridge.use_cases.receivers.encryption_key import EncryptionKey
from stripe_bridge.use_cases.receivers.endpoint_status import EndpointStatuses
from stripe_bridge.use_cases.receivers.steps import CreateEndpointStep, RepairEndpointStep
from stripe_bridge.use_cases.records.invoices import RecordInvoice
from stripe_bridge.use_cases.records.ledger import RefundLedger
from stripe_bridge.use_cases.records.refetch import (
    DeleteStuckDraft,
    FinalCheck,
    RefetchDisputes,
    RefetchInvoices,
    RefetchRefunds,
)
from stripe_bridge.use_cases.records.signed_metadata import SignedMetadata
from stripe_bridge.use_cases.refunds.issue import RefundStep
from stripe_bridge.use_cases.webhook_events.handlers.handler import HandlerTable
from stripe_bridge.use_cases.webhook_events.handlers.table import build_handler_table


def steps_of(adapters: Adapters) -> Mapping[Operation, Step[Any]]:
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
        Operation.REFUND: RefundStep(adapters.refund_gateway, ledger_of(adapters)),
        Operation.DEAUTHORIZE: DeauthorizeStep(
            adapters.store,
            clock,
            adapters.connect_gateway,
            adapters.receiver_gateway,
            FinalCheck(adapters.store, clock, refetch_targets(adapters)),
        ),
        Operation.CREATE_ENDPOINT: CreateEndpointStep(adapters.receiver_gateway, clock, adapters.vault),
        Operation.REPAIR_ENDPOINT: RepairEndpointStep(
            clock,
            adapters.receiver_gateway,
            adapters.vault,
            endpoint_statuses(adapters),
            encryption_key(adapters),
        ),
    }


def ledger_of(adapters: Adapters) -> RefundLedger:
    return RefundLedger(adapters.clock, SignedMetadata(adapters.signer))


def endpoint_statuses(adapters: Adapters) -> EndpointStatuses:
    return EndpointStatuses(adapters.store, adapters.receiver_gateway, adapters.vault)


def encryption_key(adapters: Adapters) -> EncryptionKey:
    return EncryptionKey(adapters.store, adapters.clock, adapters.vault)


def refetch_targets(adapters: Adapters) -> tuple[RefetchInvoices, RefetchRefunds, RefetchDisputes]:
    """What is read again at Stripe: by each sweep, and a last time before an account is left."""
    store, clock, ledger = adapters.store, adapters.clock, ledger_of(adapters)
    undo = DeleteStuckDraft(clock, adapters.identifiers)
    return (
        RefetchInvoices(store, clock, adapters.invoice_gateway, RecordInvoice(clock), undo),
        RefetchRefunds(store, adapters.refund_gateway, ledger),
        RefetchDisputes(store, adapters.refund_gateway, ledger),
    )


def handlers_of(settings: Settings, adapters: Adapters) -> HandlerTable:
    return build_handler_table(
        connect_gateway=adapters.connect_gateway,
        invoice_gateway=adapters.invoice_gateway,
        refund_gateway=adapters.refund_gateway,
        snapshots=adapters.snapshots,
        clock=adapters.clock,
        signed=SignedMetadata(adapters.signer),
        client_id=settings.stripe_client_id,
        api_version=adapters.receiver_gateway.api_version,
    )

"""Which step settles which operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stripe_bridge.domain.intent import Operation
from stripe_bridge.ports.adapters import Adapters
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
from stripe_bridge.use_cases.records.refetch import FinalCheck, refetch_targets
from stripe_bridge.use_cases.records.signed_metadata import SignedMetadata
from stripe_bridge.use_cases.refunds.issue import RefundStep


def steps_of(adapters: Adapters) -> Mapping[Operation, Step[Any]]:
    store, clock, identifiers, vault = adapters.store, adapters.clock, adapters.identifiers, adapters.vault
    gateway, endpoints = adapters.invoice_gateway, adapters.receiver_gateway
    record, signed = RecordInvoice(clock), SignedMetadata(adapters.signer)
    statuses, key = EndpointStatuses(store, endpoints, vault), EncryptionKey(store, clock, vault)
    final_check = FinalCheck(store, clock, refetch_targets(adapters))
    return {
        Operation.CREATE_CUSTOMER: CreateCustomerStep(gateway, clock, identifiers, signed),
        Operation.CREATE_DRAFT: CreateDraftStep(gateway, clock, identifiers, record, signed),
        Operation.ADD_LINES: AddLinesStep(gateway, clock, identifiers, record),
        Operation.FINALIZE: FinalizeStep(gateway, clock, identifiers, record),
        Operation.SEND: SendStep(gateway, clock, identifiers, record),
        Operation.VOID: VoidStep(gateway, clock, identifiers, record),
        Operation.DELETE_DRAFT: DeleteDraftStep(gateway, clock, identifiers, record),
        Operation.REFUND: RefundStep(adapters.refund_gateway, RefundLedger(clock, signed)),
        Operation.DEAUTHORIZE: DeauthorizeStep(
            store, clock, adapters.connect_gateway, endpoints, final_check
        ),
        Operation.CREATE_ENDPOINT: CreateEndpointStep(endpoints, clock, vault),
        Operation.REPAIR_ENDPOINT: RepairEndpointStep(clock, endpoints, vault, statuses, key),
    }

"""The webhook endpoints at Stripe that send to us, and their signing secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from stripe_bridge.domain.intent import Operation
from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.use_cases.intents.settle import SettleIntent
from stripe_bridge.use_cases.intents.step import Step
from stripe_bridge.use_cases.receivers.check import CheckReceivers, CheckReceiversDue, RepairReceivers
from stripe_bridge.use_cases.receivers.encryption_key import EncryptionKey
from stripe_bridge.use_cases.receivers.endpoint_status import EndpointStatuses
from stripe_bridge.use_cases.receivers.queries import ListReceivers
from stripe_bridge.use_cases.receivers.register import AttachReceiver, RegisterReceivers
from stripe_bridge.use_cases.receivers.steps import CreateEndpointStep, RepairEndpointStep


@dataclass(frozen=True, kw_only=True)
class Receivers:
    register: RegisterReceivers
    attach: AttachReceiver
    list: ListReceivers
    check: CheckReceivers
    check_due: CheckReceiversDue
    repair: RepairReceivers


def build_receivers(
    adapters: Adapters, settle: SettleIntent, *, url: str, check_every: timedelta, has_extra_secrets: bool
) -> Receivers:
    """`url` is that of the platform's receiver."""
    store, clock, vault, gateway = adapters.store, adapters.clock, adapters.vault, adapters.receiver_gateway
    statuses, key = EndpointStatuses(store, gateway, vault), EncryptionKey(store, clock, vault)
    check = CheckReceivers(store, clock, statuses, url)
    return Receivers(
        register=RegisterReceivers(store, clock, adapters.identifiers, settle, statuses, key, url),
        attach=AttachReceiver(store, clock, vault, key, url),
        list=ListReceivers(store),
        check=check,
        check_due=CheckReceiversDue(
            store, clock, check, every=check_every, has_extra_secrets=has_extra_secrets
        ),
        repair=RepairReceivers(store, clock, gateway, statuses, url),
    )


def receiver_steps(adapters: Adapters) -> Mapping[Operation, Step[Any]]:
    store, clock, vault, gateway = adapters.store, adapters.clock, adapters.vault, adapters.receiver_gateway
    statuses, key = EndpointStatuses(store, gateway, vault), EncryptionKey(store, clock, vault)
    return {
        Operation.CREATE_ENDPOINT: CreateEndpointStep(gateway, clock, vault),
        Operation.REPAIR_ENDPOINT: RepairEndpointStep(clock, gateway, vault, statuses, key),
    }

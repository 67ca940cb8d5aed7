"""Connecting a merchant's Stripe account, and disconnecting it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stripe_bridge.domain.intent import Operation
from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.use_cases.integrations.confirm import ConfirmAuthorization
from stripe_bridge.use_cases.integrations.connect import CompleteAuthorization
from stripe_bridge.use_cases.integrations.disconnect import DeauthorizeStep, DisconnectIntegration
from stripe_bridge.use_cases.integrations.in_flight import ListInFlight
from stripe_bridge.use_cases.integrations.manage import (
    CreateIntegration,
    ListIntegrations,
    ShowIntegration,
    StartAuthorization,
)
from stripe_bridge.use_cases.integrations.redeem import RedeemCode
from stripe_bridge.use_cases.intents.settle import SettleIntent
from stripe_bridge.use_cases.intents.step import Step
from stripe_bridge.use_cases.receivers.register import RequestReceiver
from stripe_bridge.use_cases.records.refetch import FinalCheck, refetch_targets


@dataclass(frozen=True, kw_only=True)
class Integrations:
    create: CreateIntegration
    show: ShowIntegration
    list: ListIntegrations
    authorize: StartAuthorization
    complete_authorization: CompleteAuthorization
    confirm_authorization: ConfirmAuthorization
    disconnect: DisconnectIntegration
    list_in_flight: ListInFlight


def build_integrations(
    adapters: Adapters,
    settle: SettleIntent,
    request_receiver: RequestReceiver,
    *,
    redirect_uri: str,
    livemode: bool,
) -> Integrations:
    store, clock, identifiers = adapters.store, adapters.clock, adapters.identifiers
    gateway, vault, in_flight = adapters.connect_gateway, adapters.vault, ListInFlight(store)
    redeem = RedeemCode(
        store,
        clock,
        identifiers,
        gateway,
        vault,
        adapters.nudges,
        settle,
        request_receiver,
        livemode=livemode,
    )
    return Integrations(
        create=CreateIntegration(store, clock, livemode=livemode),
        show=ShowIntegration(store),
        list=ListIntegrations(store),
        authorize=StartAuthorization(store, clock, identifiers, gateway, redirect_uri=redirect_uri),
        complete_authorization=CompleteAuthorization(store, clock, vault, redeem),
        confirm_authorization=ConfirmAuthorization(store, clock, vault, redeem),
        disconnect=DisconnectIntegration(store, clock, identifiers, settle, in_flight),
        list_in_flight=in_flight,
    )


def integration_steps(adapters: Adapters) -> Mapping[Operation, Step[Any]]:
    store, clock = adapters.store, adapters.clock
    final_check = FinalCheck(store, clock, refetch_targets(adapters))
    return {
        Operation.DEAUTHORIZE: DeauthorizeStep(
            store, clock, adapters.connect_gateway, adapters.receiver_gateway, final_check
        )
    }

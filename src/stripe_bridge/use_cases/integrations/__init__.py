"""Connecting a merchant's Stripe account, and disconnecting it."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.use_cases.integrations.confirm import ConfirmAuthorization
from stripe_bridge.use_cases.integrations.connect import CompleteAuthorization
from stripe_bridge.use_cases.integrations.disconnect import DisconnectIntegration
from stripe_bridge.use_cases.integrations.in_flight import ListInFlight
from stripe_bridge.use_cases.integrations.manage import (
    CreateIntegration,
    ListIntegrations,
    ShowIntegration,
    StartAuthorization,
)


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

"""The webhook endpoints at Stripe that send to us, and their signing secrets."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.use_cases.receivers.check import CheckReceivers, CheckReceiversDue
from stripe_bridge.use_cases.receivers.queries import ListReceivers
from stripe_bridge.use_cases.receivers.register import AttachReceiver, RegisterReceivers


@dataclass(frozen=True, kw_only=True)
class Receivers:
    register: RegisterReceivers
    attach: AttachReceiver
    list: ListReceivers
    check: CheckReceivers
    check_due: CheckReceiversDue

"""Making a call that changes something at Stripe, once: stored before it is made, and settled whatever happens."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.use_cases.intents.queries import ListIntents, ShowIntent
from stripe_bridge.use_cases.intents.resolve import ResolveDueIntents, ResolveIntent
from stripe_bridge.use_cases.intents.settle import SettleDueIntents


@dataclass(frozen=True, kw_only=True)
class Intents:
    settle_due: SettleDueIntents
    list: ListIntents
    show: ShowIntent
    resolve: ResolveIntent
    resolve_due: ResolveDueIntents

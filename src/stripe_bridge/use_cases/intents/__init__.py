"""Making a call that changes something at Stripe, once: stored before it is made, and settled whatever happens."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.use_cases.intents.queries import ListIntents, ShowIntent
from stripe_bridge.use_cases.intents.resolve import ResolveDueIntents, ResolveIntent
from stripe_bridge.use_cases.intents.settle import SettleDueIntents, SettleIntent


@dataclass(frozen=True, kw_only=True)
class Intents:
    settle_due: SettleDueIntents
    list: ListIntents
    show: ShowIntent
    resolve: ResolveIntent
    resolve_due: ResolveDueIntents


def build_intents(adapters: Adapters, settle: SettleIntent) -> Intents:
    store, clock = adapters.store, adapters.clock
    return Intents(
        settle_due=SettleDueIntents(store, clock, settle),
        list=ListIntents(store),
        show=ShowIntent(store),
        resolve=ResolveIntent(store, clock, settle),
        resolve_due=ResolveDueIntents(store, clock, settle),
    )

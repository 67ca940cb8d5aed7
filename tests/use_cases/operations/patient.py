"""A world in which nothing is wrong, ways to spoil its receivers, and the doctor for it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stripe_bridge.domain.finding import Finding
from stripe_bridge.domain.going_live import Check
from stripe_bridge.use_cases.operations.going_live_here import Evidence
from tests.fakes.system import NOON
from tests.world import World


def healthy(world: World) -> World:
    world.connect()
    world.bridge.receivers.register()
    world.listed = list
    world.bridge.reconciliation.reconcile(world.integration_id)
    return world


SHOWN = Evidence(are_keys_kept=True, newest_backup=NOON)


def ready_to_go_live(**environment: str) -> World:
    """With a live key, and webhooks of a payment; the environment may spoil it."""
    live: dict[str, Any] = {
        "STRIPE_SECRET_KEY": "sk_live_1",
        "REDIS_URL": "redis://redis.test",
        "METRICS_TOKEN": "m",
    }
    world = World(**(live | environment))
    world.stripe.livemode = world.settings.livemode
    healthy(world)
    world.pay(world.sent())
    world.deliver()
    return world


def checked(world: World, evidence: Evidence = SHOWN) -> list[Check]:
    found: list[Check] = world.bridge.operations.check_before_going_live(evidence)
    return found


def check_of(world: World, subject: str, evidence: Evidence = SHOWN) -> Check:
    (found,) = (each for each in checked(world, evidence) if each.subject == subject)
    return found


def diagnose(world: World) -> list[Finding]:
    findings: list[Finding] = world.bridge.operations.diagnose()
    return findings


def fix(world: World) -> list[str]:
    return list(world.bridge.operations.apply_fixes(diagnose(world)))


def unregistered(world: World) -> None:
    with world.store.writing() as work:
        for receiver in world.bridge.receivers.list():
            work.receivers.remove(receiver.id)
        work.commit()


def change_endpoints(world: World, **changes: object) -> None:
    endpoints = world.stripe.endpoints[None]
    for endpoint in endpoints.values():
        endpoints[endpoint.id] = replace(endpoint, **changes)


def unsealed(world: World) -> None:
    with world.store.writing() as work:
        for receiver in world.bridge.receivers.list():
            work.receivers.save(replace(receiver, sealed_secret="broken"))
        work.commit()


RECEIVERS: dict[str, tuple[Callable[[World], object], str]] = {
    "never registered": (unregistered, "never registered"),
    "gone": (lambda world: world.stripe.endpoints[None].clear(), "missing at Stripe"),
    "disabled": (lambda world: change_endpoints(world, enabled=False), "Stripe has disabled it"),
    "other version": (
        lambda world: change_endpoints(world, api_version="2020-08-27"),
        "API version 2020-08-27",
    ),
    "lacks events": (
        lambda world: change_endpoints(world, enabled_events=frozenset({"invoice.paid"})),
        "it is not subscribed to account.application.deauthorized",
    ),
    "elsewhere": (
        lambda world: change_endpoints(world, url="https://old.test"),
        "it points to https://old.test",
    ),
    "secret lost": (unsealed, "cannot be opened"),
}


OWN: dict[str, tuple[Callable[[World], object], str, str]] = {
    "gone": (
        lambda world: world.stripe.endpoints[world.account_id].clear(),
        "missing at Stripe",
        "0 repaired, 1 removed",
    ),
    "disabled": (
        lambda world: change_own(world, enabled=False),
        "Stripe has disabled it",
        "1 repaired, 0 removed",
    ),
    "other version": (
        lambda world: change_own(world, api_version="2020-08-27"),
        "API version 2020-08-27",
        "0 repaired, 1 removed",
    ),
    "lacks events": (
        lambda world: change_own(world, enabled_events=frozenset({"invoice.paid"})),
        "it is not subscribed to account.application.deauthorized",
        "1 repaired, 0 removed",
    ),
    "elsewhere": (
        lambda world: change_own(world, url="https://old.test"),
        "it points to https://old.test",
        "1 repaired, 0 removed",
    ),
}


def change_own(world: World, **changes: object) -> None:
    endpoints = world.stripe.endpoints[world.account_id]
    for endpoint in list(endpoints.values()):
        endpoints[endpoint.id] = replace(endpoint, **changes)

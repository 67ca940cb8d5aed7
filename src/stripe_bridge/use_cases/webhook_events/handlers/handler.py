"""What a handler of webhook events has to provide."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from stripe_bridge.domain.webhook_event import SkipReason, StripeEvent
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork

Current = TypeVar("Current")


@dataclass(frozen=True, slots=True)
class Applied:
    """Our state matches Stripe's; often it already did."""


@dataclass(frozen=True, slots=True)
class Skipped:
    reason: SkipReason


@dataclass(frozen=True, slots=True)
class NeedsRefetch:
    """The payload does not prove that it is the newest: Stripe's current state has to be fetched.

    `version` is that of our row at the time. The fetched state is applied only to that same version, since a later fetch
    may have been applied in between.
    """

    version: int


@dataclass(frozen=True, slots=True)
class Fetched(Generic[Current]):
    current: Current
    version: int


HandlerResult = Applied | Skipped | NeedsRefetch


class Handler(Protocol[Current]):
    """Applying any event twice, late or out of order has to end in the same state."""

    def apply(
        self, work: UnitOfWork, account_id: str, event: StripeEvent, fetched: Fetched[Current] | None
    ) -> HandlerResult:
        """Set our state, within the transaction that settles the event. No network.

        Of a thin event nothing counts but what it is about: Stripe's current state has to be fetched, if there still is one.
        """
        ...

    def fetch(self, account_id: str, event: StripeEvent) -> Current:
        """Fetch Stripe's current state, outside any transaction. May raise GatewayError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerTable:
    """Which handler applies which type, and the types that are exceptions from how most are applied (see `table.Row`).

    An event in another API version than `api_version` is thin to its handler. It is asked for when there is an event.
    """

    handlers: Mapping[str, Handler[Any]]
    api_version: Callable[[], str]
    applies_when_disconnected: frozenset[str]
    apply_individually: frozenset[str]

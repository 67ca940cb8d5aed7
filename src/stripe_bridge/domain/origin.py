"""Who makes a change, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class ActorType(StrEnum):
    """`user` is one of an identity provider; `operator` is at the command line or in the console."""

    TOKEN = "token"
    USER = "user"
    OPERATOR = "operator"
    STRIPE = "stripe"
    SERVICE = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """`id` is a pseudonym: a token's id, a subject, a login name, a Stripe account, or the name of a job of ours."""

    type: ActorType
    id: str | None = None
    user_id: int | None = None

    @property
    def is_a_caller(self) -> bool:
        """Whether it is somebody who asks us for things, rather than Stripe or this service."""
        return self.type in (ActorType.TOKEN, ActorType.USER, ActorType.OPERATOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """`cause` names what it was done for: `request_id`, `operation`, `stripe_event_id`, `intent_id`, `job`, and so on.

    Nothing in it is a secret or personal data: it stands in the log for ever.
    """

    actor: Actor
    cause: Mapping[str, str | int] = field(default_factory=dict)

    def because(self, **cause: str | int) -> Origin:
        """The same actor, with more of the cause."""
        return Origin(actor=self.actor, cause={**self.cause, **cause})


# What this service does by itself.
SERVICE = Origin(actor=Actor(type=ActorType.SERVICE))
# What is recorded of objects from before the change log, or changed by a release that has none.
MIGRATION = Origin(actor=Actor(type=ActorType.SERVICE, id="migration"), cause={"job": "migration"})


def by_job(name: str) -> Origin:
    """What a job of this service does by itself."""
    return Origin(actor=Actor(type=ActorType.SERVICE, id=name), cause={"job": name})


def by_stripe(account_id: str | None, event_id: str) -> Origin:
    """What an event of Stripe's brings."""
    return Origin(actor=Actor(type=ActorType.STRIPE, id=account_id), cause={"stripe_event_id": event_id})


def by_merchant(account_id: str, origin: Origin) -> Origin:
    """Whoever agreed at Stripe and came back in a browser that we know nothing of, unless a caller of ours acts."""
    if origin.actor.is_a_caller:
        return origin
    return Origin(actor=Actor(type=ActorType.STRIPE, id=account_id), cause=origin.cause)


def dump_actor(actor: Actor) -> dict[str, Any]:
    return {"type": actor.type.value, "id": actor.id, "user_id": actor.user_id}


def load_actor(stored: Mapping[str, Any]) -> Actor:
    return Actor(**{**stored, "type": ActorType(stored["type"])})


def dump_origin(origin: Origin) -> dict[str, Any]:
    return {"actor": dump_actor(origin.actor), "cause": dict(origin.cause)}


def load_origin(stored: Mapping[str, Any]) -> Origin:
    return Origin(actor=load_actor(stored["actor"]), cause=stored["cause"])

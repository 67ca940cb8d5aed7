"""Who did something, as far as it is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ActorType(StrEnum):
    """`user` is one of an identity provider; `operator` is at the command line."""

    TOKEN = "token"  # noqa: S105 (the kind of actor, no secret)
    USER = "user"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """`id` is a pseudonym: a token's id, a subject, or a login name."""

    type: ActorType
    id: str | None = None
    user_id: int | None = None


def dump_actor(actor: Actor) -> dict[str, Any]:
    return {"type": actor.type.value, "id": actor.id, "user_id": actor.user_id}


def load_actor(stored: Mapping[str, Any]) -> Actor:
    return Actor(type=ActorType(stored["type"]), id=stored["id"], user_id=stored["user_id"])

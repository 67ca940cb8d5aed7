"""An API call as a resource sees it, and the answer to it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from stripe_emulator.errors import Json, no_such
from stripe_emulator.store import Record
from stripe_emulator.transaction import PLATFORM, Transaction


@dataclass
class Call:
    """A call whose caller is authorized and whose parameters are checked."""

    tx: Transaction
    key: str
    account: str
    application: str | None  # the Connect platform that calls on the account's behalf
    by_platform: bool  # with the platform's own key
    params: Json
    ids: tuple[str, ...] = ()  # from the path, outermost first

    @property
    def is_connected(self) -> bool:
        """Whether a platform acts on one of its connected accounts."""
        return self.application is not None and self.account != PLATFORM

    def record(self, kind: str, noun: str, param: str, object_id: str | None = None) -> Record:
        """The object of this account that the path names."""
        wanted = self.ids[0] if object_id is None else object_id
        record = self.tx.store.find(kind, wanted, self.account)
        if record is None:
            raise no_such(noun, wanted, param)
        return record


Handler = Callable[[Call], Json]


@dataclass
class Answer:
    """What goes back over the wire.

    The body is already text, because the object may change again as soon as the lock is released.
    """

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, body: Json, headers: dict[str, str] | None = None) -> Self:
        """An answer with this body."""
        return cls(status, json.dumps(body), headers or {})

"""Looking once more at what is in flight in an account that we are about to leave, while Stripe still lets us."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from stripe_bridge.domain.errors import BridgeError, StaleWrite
from stripe_bridge.ports.gateway_errors import AccessRevoked, GatewayError, GatewayRefused
from stripe_bridge.ports.timing import Clock
from stripe_bridge.ports.unit_of_work import Store, StoreUnavailable, UnitOfWork

_log = logging.getLogger(__name__)
# Somebody may be waiting for the disconnect, and the lease of the intent that this belongs to is running.
TIME = timedelta(seconds=5)


class Kind(Protocol):
    """One kind of object. `settle` asks Stripe and sets ours."""

    name: str

    def page(self, work: UnitOfWork, account_id: str, after: Any) -> Sequence[Any]: ...

    def id_of(self, known: Any) -> str: ...

    def settle(self, known: Any) -> object: ...


class LookOnceMore:
    """Bring what is not settled in an account to Stripe's state, as far as Stripe and a few seconds allow.

    Raises only StoreUnavailable: what cannot be looked at does not keep us in an account that we were told to leave.
    """

    def __init__(self, store: Store, clock: Clock, kinds: Sequence[Kind]) -> None:
        self._store, self._clock, self._kinds = store, clock, kinds

    def __call__(self, account_id: str) -> None:
        deadline = self._clock.now() + TIME
        for kind in self._kinds:
            if not self._look_at(kind, account_id, deadline):
                return

    def _look_at(self, kind: Kind, account_id: str, deadline: datetime) -> bool:
        """Whether it is worth continuing with the other kinds."""
        for known in self._objects(kind, account_id):
            facts = {"account_id": account_id, "object": f"{kind.name} {kind.id_of(known)}"}
            if self._clock.now() >= deadline:
                _log.warning("not enough time to look at everything in flight", extra=facts)
                return False
            try:
                kind.settle(known)
            except StaleWrite:
                # Somebody else is at it.
                continue
            except StoreUnavailable:
                raise
            except Exception as error:
                is_ours = not isinstance(error, BridgeError)
                reason = error.reason if isinstance(error, GatewayError) else type(error).__name__
                _log.warning(
                    "something in flight could not be looked at",
                    extra={**facts, "reason": reason},
                    exc_info=error if is_ours else None,
                )
                if isinstance(error, GatewayError) and _is_about_all(error):
                    return False
        return True

    def _objects(self, kind: Kind, account_id: str) -> Iterator[Any]:
        after = None
        while True:
            with self._store.reading() as work:
                page = kind.page(work, account_id, after)
            if not page:
                return
            yield from page
            after = page[-1]


def _is_about_all(error: GatewayError) -> bool:
    """Whether Stripe or the account is unreachable, and not just one object."""
    return isinstance(error, AccessRevoked) or not isinstance(error, GatewayRefused)

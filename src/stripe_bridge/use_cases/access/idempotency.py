"""Idempotency keys: a request that is repeated with its Idempotency-Key gets the same answer, and is not run twice."""

from __future__ import annotations

from dataclasses import replace

from stripe_bridge.domain.errors.conflicts import RequestStillRunning
from stripe_bridge.domain.errors.values import IdempotencyKeyReused
from stripe_bridge.domain.idempotency import (
    LEASE,
    LIFETIME,
    IdempotentRequest,
    RequestScope,
    StoredResponse,
    is_storable,
)
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock
from stripe_bridge.ports.vault import SealBroken, Vault


class BeginIdempotentRequest:
    """The answer stored for the request; or, if the caller has to run it now, the request as begun.

    `is_secret` has to be the same as for FinishIdempotentRequest. Raises IdempotencyKeyReused for a different body, and
    RequestStillRunning while the first one runs.
    """

    def __init__(self, store: Store, clock: Clock, vault: Vault) -> None:
        self._store, self._clock, self._vault = store, clock, vault

    def __call__(
        self, scope: RequestScope, body_hash: str, *, is_secret: bool = False
    ) -> StoredResponse | IdempotentRequest:
        now = self._clock.now()
        begun = IdempotentRequest(scope=scope, body_hash=body_hash, created_at=now, leased_until=now + LEASE)
        with self._store.writing() as work:
            while not work.idempotent_requests.add(begun):
                earlier = work.idempotent_requests.find(scope)
                if earlier is None:
                    # It has been removed in the meantime: try to add it again, as only one can.
                    continue
                if not earlier.is_expired(now):
                    if earlier.body_hash != body_hash:
                        raise IdempotencyKeyReused
                    stored = self._unsealed(earlier.answer) if is_secret else earlier.answer
                    if stored is not None:
                        return stored
                    if earlier.answer is None and not earlier.is_abandoned(now):
                        raise RequestStillRunning
                work.idempotent_requests.save(begun)
                break
            work.commit()
        return begun

    def _unsealed(self, answer: StoredResponse | None) -> StoredResponse | None:
        """None if no key opens it any more: then the request is run again."""
        try:
            return answer and replace(answer, body=self._vault.open(answer.body.decode()).encode())
        except SealBroken:
            return None


class FinishIdempotentRequest:
    """Store the answer, sealed if it contains a secret; or remove the request if its answer must not be stored.

    A request that took longer than its lease may have been presumed dead and begun again: then the later one's answer
    counts.
    """

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store, self._vault = store, vault

    def __call__(self, begun: IdempotentRequest, answer: StoredResponse, *, is_secret: bool = False) -> None:
        if is_secret:
            answer = replace(answer, body=self._vault.seal(answer.body.decode()).encode())
        with self._store.writing() as work:
            if work.idempotent_requests.find(begun.scope) != begun:
                return
            if is_storable(answer.status):
                work.idempotent_requests.save(replace(begun, answer=answer))
            else:
                work.idempotent_requests.remove(begun.scope)
            work.commit()


class PurgeIdempotencyKeys:
    """Remove requests that have expired; how many there were."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self) -> int:
        with self._store.writing() as work:
            removed = work.idempotent_requests.remove_older_than(self._clock.now() - LIFETIME)
            work.commit()
        return removed

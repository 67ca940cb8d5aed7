"""Requesting a receiver of an account's own, once it is connected. Stripe normally refuses; then the platform's serves it."""

from __future__ import annotations

from collections.abc import Callable

from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.intent import receiver_subject
from stripe_bridge.domain.planning import plan_endpoint
from stripe_bridge.ports.identifiers import Identifiers
from stripe_bridge.ports.timing import Clock
from stripe_bridge.ports.unit_of_work import UnitOfWork


class RequestReceiver:
    """The intent that requests it; None if there already is a receiver, or an earlier request is not settled yet."""

    def __init__(self, clock: Clock, identifiers: Identifiers, receiver_url: Callable[[int], str]) -> None:
        self._clock, self._identifiers, self._receiver_url = clock, identifiers, receiver_url

    def __call__(self, work: UnitOfWork, before: Integration, account_id: str) -> int | None:
        """`before` is the integration as it was before it was connected to the account."""
        is_there = work.intents.find_unsettled(receiver_subject(before.id)) is not None
        for receiver in work.receivers.of_integration(before.id):
            # One that we requested is in the account that was left, and what it brings would pass for the new account's.
            if before.account_id != account_id and receiver.stripe_endpoint_id is not None:
                work.receivers.remove(receiver.id)
            else:
                is_there = True
        if is_there:
            return None
        url, reference = self._receiver_url(before.id), self._identifiers.reference()
        plan = plan_endpoint(before, account_id, url, reference=reference, now=self._clock.now())
        return work.intents.add(plan).id

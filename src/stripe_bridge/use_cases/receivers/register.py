"""Registering receivers: the webhook endpoints that Stripe sends events to, and their signing secrets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from stripe_bridge.domain.intent import Intent, IntentState, platform_subject
from stripe_bridge.domain.intent_plans import plan_endpoint_repair
from stripe_bridge.domain.receiver import PLATFORM_KINDS, Receiver, ReceiverKind
from stripe_bridge.domain.stripe_objects import WebhookEndpoint
from stripe_bridge.ports.storage.unit_of_work import IntentUnsettled, Store
from stripe_bridge.ports.stripe.errors import GatewayRefused, OutcomeUnknown
from stripe_bridge.ports.stripe.receivers import ReceiverGateway
from stripe_bridge.ports.system import Clock, Identifiers
from stripe_bridge.use_cases.intents.settle import SettleIntent
from stripe_bridge.use_cases.intents.wait import wait_until_settled

_TIMEOUT = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredReceiver:
    """`action` is what was done: created, repaired, or nothing (`in order`); `faults` what had been wrong."""

    kind: ReceiverKind
    endpoint_id: str
    url: str
    action: str
    faults: tuple[str, ...] = ()


class Standing(Protocol):
    @property
    def known(self) -> Receiver | None: ...

    @property
    def faults(self) -> tuple[str, ...]: ...

    @property
    def strays(self) -> tuple[str, ...]: ...

    @property
    def is_in_order(self) -> bool: ...


class RegisterReceivers:
    """Create the platform's two endpoints at Stripe, or repair them; if they are in order, this is only a check.

    An endpoint whose secret we do not have, or of another API version, cannot be repaired and is replaced. Several that
    register at the same time wait for the same call. May raise GatewayError; unless Stripe refused, a worker then carries on.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        identifiers: Identifiers,
        gateway: ReceiverGateway,
        settle: SettleIntent,
        standing: Callable[[ReceiverKind, str, Sequence[WebhookEndpoint]], Standing],
        url: str,
    ) -> None:
        self._store, self._clock, self._identifiers = store, clock, identifiers
        self._gateway, self._settle, self._standing, self._url = gateway, settle, standing, url

    def __call__(self) -> list[RegisteredReceiver]:
        at_stripe = self._gateway.endpoints(None)
        return [self._register(kind, at_stripe) for kind in PLATFORM_KINDS]

    def _register(self, kind: ReceiverKind, at_stripe: Sequence[WebhookEndpoint]) -> RegisteredReceiver:
        before = self._standing(kind, self._url, at_stripe)
        faults = before.faults
        if before.strays and before.known is not None:
            faults += (f"endpoints whose secrets are not stored send here too: {len(before.strays)}",)
        if not before.is_in_order:
            self._mend(kind)
        with self._store.writing() as work:
            # Read again: its secret may have been sealed with another key in the meantime.
            current = next(iter(work.receivers.of_kinds([kind])))
            work.receivers.save(replace(current, enabled=True, url=self._url, checked_at=self._clock.now()))
            work.commit()
        is_new = before.known is None or before.known.stripe_endpoint_id != current.stripe_endpoint_id
        changed = "created" if is_new else "repaired"
        return RegisteredReceiver(
            kind=kind,
            endpoint_id=current.stripe_endpoint_id or "",
            url=self._url,
            action="in order" if before.is_in_order else changed,
            faults=faults,
        )

    def _mend(self, kind: ReceiverKind) -> None:
        """Mend it, after finishing any call that was planned for a URL we no longer use."""
        while True:
            intent = self._plan(kind)
            self._wait_until_settled(intent.id)
            if intent.parameters["url"] == self._url:
                return

    def _plan(self, kind: ReceiverKind) -> Intent:
        """The call that repairs it, whoever planned it."""
        while True:
            with self._store.writing() as work:
                under_way = work.intents.find_unsettled(platform_subject(kind))
                if under_way is not None:
                    return under_way
                reference, now = self._identifiers.reference(), self._clock.now()
                plan = plan_endpoint_repair(kind, self._url, reference=reference, now=now)
                try:
                    planned = work.intents.add(plan)
                except IntentUnsettled:
                    continue
                work.commit()
            return planned

    def _wait_until_settled(self, intent_id: int) -> None:
        def read_unsettled() -> Sequence[Intent] | None:
            with self._store.reading() as work:
                intent = work.intents.find(intent_id)
            return None if intent is None or intent.is_settled else [intent]

        wait_until_settled(self._clock, self._settle, read_unsettled, self._clock.now() + _TIMEOUT)
        with self._store.reading() as work:
            intent = work.intents.find(intent_id)
        if intent is None or intent.state is IntentState.CONFIRMED:
            return
        if intent.state is IntentState.FAILED:
            raise GatewayRefused(intent.last_error or "")
        why = intent.last_error or "no answer yet"
        raise OutcomeUnknown(f"{why}; a worker will retry it, or try again in a minute")

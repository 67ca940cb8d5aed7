"""Registering receivers: the webhook endpoints that Stripe sends events to, and their signing secrets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from stripe_bridge.domain.intent import Intent, IntentState, platform_subject
from stripe_bridge.domain.planning import plan_mending
from stripe_bridge.domain.receiver import PLATFORM_KINDS, SUBSCRIBED_EVENTS, Receiver, ReceiverKind
from stripe_bridge.domain.stripe_objects import METADATA_KIND, METADATA_REFERENCE, WebhookEndpoint
from stripe_bridge.ports.gateway_errors import GatewayRefused, OutcomeUnknown
from stripe_bridge.ports.identifiers import Identifiers
from stripe_bridge.ports.receiver_gateway import ReceiverGateway
from stripe_bridge.ports.timing import Clock
from stripe_bridge.ports.unit_of_work import IntentUnsettled, Store, UnitOfWork
from stripe_bridge.ports.vault import Vault

_PATIENCE = timedelta(seconds=10)
_WAIT = 0.1


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
        settle: Callable[[int], None],
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
            self._see_through(intent.id)
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
                plan = plan_mending(kind, self._url, reference=reference, now=now)
                try:
                    planned = work.intents.add(plan)
                except IntentUnsettled:
                    continue
                work.commit()
            return planned

    def _see_through(self, intent_id: int) -> None:
        deadline = self._clock.now() + _PATIENCE
        while True:
            with self._store.reading() as work:
                intent = work.intents.find(intent_id)
            if intent is None or intent.state is IntentState.CONFIRMED:
                return
            if intent.state is IntentState.FAILED:
                raise GatewayRefused(intent.last_error or "")
            if self._clock.now() >= deadline:
                why = intent.last_error or "no answer yet"
                raise OutcomeUnknown(f"{why}; a worker will retry it, or try again in a minute")
            if intent.is_due(self._clock.now()):
                self._settle(intent_id)
            else:
                self._clock.sleep(_WAIT)


class CreateEndpoint:
    """Ask Stripe for a receiver of the account's own. If Stripe refuses, the platform's Connect endpoint serves it."""

    def __init__(self, gateway: ReceiverGateway, clock: Clock, vault: Vault) -> None:
        self._gateway, self._clock, self._vault = gateway, clock, vault

    def look(self, intent: Intent) -> WebhookEndpoint | None:
        """Its secret was shown only once and is lost, so an endpoint that exists is removed, and then there is none."""
        try:
            there = self._gateway.endpoints(intent.account_id)
        except GatewayRefused:
            # Who may not look at an account's endpoints may not create one there either.
            return None
        for endpoint in there:
            if endpoint.metadata.get(METADATA_REFERENCE) == intent.reference:
                self._gateway.delete_endpoint(account_id=intent.account_id, endpoint_id=endpoint.id)
        return None

    def call(self, intent: Intent) -> WebhookEndpoint | None:
        """None if Stripe does not allow it, which is normal for a Connect platform: that is an answer, not a failure."""
        try:
            return self._gateway.create_endpoint(
                account_id=intent.account_id,
                url=intent.parameters["url"],
                connect=False,
                events=SUBSCRIBED_EVENTS,
                metadata={
                    METADATA_REFERENCE: intent.reference,
                    METADATA_KIND: ReceiverKind.ACCOUNT.value,
                },
                key=intent.idempotency_key,
            )
        except GatewayRefused:
            return None

    def confirm(self, work: UnitOfWork, intent: Intent, result: WebhookEndpoint | None) -> Intent | None:
        if result is None:
            return None
        now = self._clock.now()
        work.receivers.add(
            _receiver(ReceiverKind.ACCOUNT, intent.integration_id, result, self._vault, now=now)
        )
        return None

    def refuse(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        return None


class ListReceivers:
    """All receivers, the platform's first."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self) -> list[Receiver]:
        with self._store.reading() as work:
            return list(work.receivers.of_kinds(list(ReceiverKind)))


def _receiver(
    kind: ReceiverKind,
    integration_id: int | None,
    endpoint: WebhookEndpoint,
    vault: Vault,
    *,
    now: datetime,
) -> Receiver:
    assert endpoint.secret, "Stripe tells the secret in the answer that creates the endpoint"
    return Receiver(
        id=0,
        kind=kind,
        integration_id=integration_id,
        stripe_endpoint_id=endpoint.id,
        url=endpoint.url,
        sealed_secret=vault.seal(endpoint.secret),
        enabled=endpoint.enabled,
        created_at=now,
        checked_at=now,
    )

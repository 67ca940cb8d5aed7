"""Registering receivers: the platform's two endpoints, an account's own, and those that a merchant created by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from stripe_bridge.domain.changes.acts import receivers_registered
from stripe_bridge.domain.errors.base import IntegrationNotFound
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.intent import Intent, IntentState, platform_subject, receiver_subject
from stripe_bridge.domain.intent_plans import plan_endpoint, plan_endpoint_repair
from stripe_bridge.domain.receiver import Receiver, ReceiverKind, account_receiver_url
from stripe_bridge.ports.storage.unit_of_work import IntentUnsettled, Store, UnitOfWork
from stripe_bridge.ports.stripe.errors import GatewayRefused, OutcomeUnknown
from stripe_bridge.ports.system import Clock, Identifiers
from stripe_bridge.ports.vault import Vault, can_open
from stripe_bridge.use_cases.intents.settle import SettleIntent
from stripe_bridge.use_cases.intents.wait import wait_until_settled
from stripe_bridge.use_cases.receivers.encryption_key import EncryptionKey
from stripe_bridge.use_cases.receivers.endpoint_status import EndpointStatus, EndpointStatuses

_TIMEOUT = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredReceiver:
    """`action` is what was done: created, repaired, or nothing (`in order`); `problems` what had been wrong."""

    kind: ReceiverKind
    endpoint_id: str
    url: str
    action: str
    problems: tuple[str, ...] = ()


class RegisterReceivers:
    """Create the platform's two endpoints at Stripe, or repair them; if they are in order, this is only a check.

    An endpoint whose secret we do not have, or of another API version, cannot be repaired and is replaced. Several that
    register at the same time wait for the same call. May raise GatewayError; unless Stripe refused, a worker then carries on.

    Raises WrongEncryptionKey, unless `discard_secrets`: then this process's key becomes the one in use, and what was sealed
    with another is given up.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        identifiers: Identifiers,
        settle: SettleIntent,
        statuses: EndpointStatuses,
        key: EncryptionKey,
        url: str,
    ) -> None:
        self._store, self._clock, self._identifiers = store, clock, identifiers
        self._settle, self._statuses, self._key, self._url = settle, statuses, key, url

    def __call__(self, *, discard_secrets: bool = False) -> list[RegisteredReceiver]:
        self._key.adopt() if discard_secrets else self._key.require()
        registered = [self._register(before) for before in self._statuses.of_platform(self._url)]
        with self._store.writing() as work:
            done = {each.kind.value: each.action for each in registered}
            work.acts.add(receivers_registered(done, work.origin))
            work.commit()
        return registered

    def _register(self, before: EndpointStatus) -> RegisteredReceiver:
        if not before.is_in_order:
            self._repair(before.kind)
        with self._store.writing() as work:
            # Read again: its secret may have been sealed with another key in the meantime.
            current = next(iter(work.receivers.of_kinds([before.kind])))
            work.receivers.save(replace(current, enabled=True, url=self._url, checked_at=self._clock.now()))
            work.commit()
        changed = "repaired" if before.endpoint_id == current.stripe_endpoint_id else "created"
        return RegisteredReceiver(
            kind=before.kind,
            endpoint_id=current.stripe_endpoint_id or "",
            url=self._url,
            action="in order" if before.is_in_order else changed,
            problems=_problems_found(before),
        )

    def _repair(self, kind: ReceiverKind) -> None:
        """Repair it, after finishing any call that was planned for a URL we no longer use."""
        while True:
            intent = self._plan(kind)
            self._wait_until_settled(intent.id)
            if intent.parameters["url"] == self._url:
                return

    def _plan(self, kind: ReceiverKind) -> Intent:
        """The call that repairs it; the one under way, if there is one."""
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
        def read() -> Intent | None:
            with self._store.reading() as work:
                return work.intents.find(intent_id)

        def read_unsettled() -> Sequence[Intent] | None:
            intent = read()
            return None if intent is None or intent.is_settled else [intent]

        wait_until_settled(self._clock, self._settle, read_unsettled, self._clock.now() + _TIMEOUT)
        intent = read()
        if intent is None or intent.state is IntentState.CONFIRMED:
            return
        if intent.state is IntentState.FAILED:
            raise GatewayRefused(intent.last_error or "")
        why = intent.last_error or "no answer yet"
        raise OutcomeUnknown(f"{why}; a worker will retry it, or try again in a minute")


class RequestReceiver:
    """The intent that requests an account's own receiver, once it is connected. Stripe normally refuses; then the platform's
    serves it.

    None if there already is a receiver, or an earlier request is not settled yet.
    """

    def __init__(self, clock: Clock, identifiers: Identifiers, url: str) -> None:
        self._clock, self._identifiers, self._url = clock, identifiers, url

    def __call__(self, work: UnitOfWork, before: Integration, account_id: str) -> int | None:
        """`before` is the integration as it was before it was connected to the account."""
        is_there = work.intents.find_unsettled(receiver_subject(before.id)) is not None
        for receiver in work.receivers.of_integration(before.id):
            # One that we requested is in the account that was left, and its events would pass for the new account's.
            if before.account_id != account_id and receiver.stripe_endpoint_id is not None:
                work.receivers.remove(receiver.id)
            else:
                is_there = True
        if is_there:
            return None
        url, reference = account_receiver_url(self._url, before.id), self._identifiers.reference()
        plan = plan_endpoint(before, account_id, url, reference=reference, now=self._clock.now())
        return work.intents.add(plan).id


class AttachReceiver:
    """Add the signing secret of an endpoint that the merchant created by hand, replacing those that no key opens any more.

    Raises IntegrationNotFound, WrongEncryptionKey.
    """

    def __init__(self, store: Store, clock: Clock, vault: Vault, key: EncryptionKey, url: str) -> None:
        self._store, self._clock, self._vault, self._key, self._url = store, clock, vault, key, url

    def __call__(self, integration_id: int, secret: str) -> Receiver:
        self._key.require()
        now = self._clock.now()
        with self._store.writing() as work:
            if work.integrations.find(integration_id) is None:
                raise IntegrationNotFound
            for known in work.receivers.of_integration(integration_id):
                # A secret that cannot be opened would keep out all of the integration's events.
                if not can_open(self._vault, known.sealed_secret):
                    work.receivers.remove(known.id)
            attached = work.receivers.add(
                Receiver(
                    id=0,
                    kind=ReceiverKind.ACCOUNT,
                    integration_id=integration_id,
                    stripe_endpoint_id=None,
                    url=account_receiver_url(self._url, integration_id),
                    sealed_secret=self._vault.seal(secret),
                    enabled=True,
                    created_at=now,
                    checked_at=now,
                )
            )
            work.commit()
        return attached


def _problems_found(before: EndpointStatus) -> tuple[str, ...]:
    """None where there was no endpoint at all."""
    found = () if before.endpoint is None else before.problems
    if before.orphans and before.known is not None:
        found += (f"endpoints whose secrets are not stored also send here: {len(before.orphans)}",)
    return found

"""Checking receivers: whether Stripe still sends what it was asked to send."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from stripe_bridge.domain.receiver import PLATFORM_KINDS, Receiver, ReceiverKind, endpoint_problems
from stripe_bridge.domain.stripe_objects import WebhookEndpoint
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.stripe.errors import GatewayError
from stripe_bridge.ports.stripe.receivers import ReceiverGateway
from stripe_bridge.ports.system import Clock
from stripe_bridge.ports.vault import Vault, can_open

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedReceiver:
    """`faults` in words; empty if it is in order. `endpoint_id` is None if there is no endpoint."""

    kind: ReceiverKind
    endpoint_id: str | None
    faults: tuple[str, ...]


class CheckReceivers:
    """Check the platform's two endpoints, and store whether each sends us what it should. Changes nothing at Stripe.

    May raise GatewayError.
    """

    def __init__(self, store: Store, clock: Clock, gateway: ReceiverGateway, vault: Vault, url: str) -> None:
        self._store, self._clock, self._gateway = store, clock, gateway
        self._vault, self._url = vault, url

    def __call__(self) -> list[CheckedReceiver]:
        with self._store.reading() as work:
            known = {receiver.kind: receiver for receiver in work.receivers.of_kinds(PLATFORM_KINDS)}
        at_stripe = {endpoint.id: endpoint for endpoint in self._gateway.endpoints(None)}
        self._remember(list(known.values()), self._url, at_stripe)
        return [self._checked(kind, known.get(kind), at_stripe) for kind in PLATFORM_KINDS]

    def of_integration(self, integration_id: int, account_id: str) -> list[CheckedReceiver]:
        """The same for endpoints in the account itself; usually there are none."""
        with self._store.reading() as work:
            own = [each for each in work.receivers.of_integration(integration_id) if each.stripe_endpoint_id]
        if not own:
            return []
        at_stripe = {each.id: each for each in self._gateway.endpoints(account_id)}
        url = f"{self._url}/{integration_id}"
        self._remember(own, url, at_stripe)
        checked = [self._looked_at(each, url, at_stripe) for each in own]
        for each in checked:
            if each.faults:
                facts = {"integration_id": integration_id, "faults": list(each.faults)}
                _log.warning("a receiver is not in order", extra=facts)
        return checked

    def _checked(
        self, kind: ReceiverKind, known: Receiver | None, at_stripe: Mapping[str, WebhookEndpoint]
    ) -> CheckedReceiver:
        if known is None:
            return CheckedReceiver(kind=kind, endpoint_id=None, faults=("it was never registered",))
        checked = self._looked_at(known, self._url, at_stripe)
        if not can_open(self._vault, known.sealed_secret):
            lost = "its signing secret cannot be opened with ENCRYPTION_KEYS"
            return replace(checked, faults=(*checked.faults, lost))
        return checked

    def _looked_at(
        self, known: Receiver, url: str, at_stripe: Mapping[str, WebhookEndpoint]
    ) -> CheckedReceiver:
        endpoint = at_stripe.get(known.stripe_endpoint_id or "")
        faults = ["Stripe does not have it"] if endpoint is None else self._faults(endpoint, url)
        return CheckedReceiver(kind=known.kind, endpoint_id=known.stripe_endpoint_id, faults=tuple(faults))

    def _faults(self, endpoint: WebhookEndpoint, url: str) -> list[str]:
        return endpoint_problems(endpoint, url, self._gateway.api_version)

    def _remember(
        self, receivers: Sequence[Receiver], url: str, at_stripe: Mapping[str, WebhookEndpoint]
    ) -> None:
        with self._store.writing() as work:
            for each in receivers:
                endpoint = at_stripe.get(each.stripe_endpoint_id or "")
                current = work.receivers.find(each.id, lock=True)
                if current is not None:
                    is_enabled = endpoint is not None and not self._faults(endpoint, url)
                    checked = replace(current, enabled=is_enabled, checked_at=self._clock.now())
                    work.receivers.save(checked)
            work.commit()


class CheckReceiversDue:
    """Check the platform's endpoints if the last check is longer than `every` ago; zero turns the schedule off.

    With secrets of endpoints created by hand (`has_extra_secrets`) there need not be any others.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        check: CheckReceivers,
        *,
        every: timedelta,
        has_extra_secrets: bool,
    ) -> None:
        self._store, self._clock, self._check = store, clock, check
        self._every, self._has_extra_secrets = every, has_extra_secrets
        self._told_at: datetime | None = None

    def __call__(self) -> None:
        """If Stripe is unreachable, what was known stays as it is."""
        with self._store.reading() as work:
            checked_at = [receiver.checked_at for receiver in work.receivers.of_kinds(PLATFORM_KINDS)]
        if self._every and not checked_at and not self._has_extra_secrets:
            self._tell_of_none()
        if self._every and checked_at and self._clock.now() - min(checked_at) >= self._every:
            try:
                checked = self._check()
            except GatewayError as error:
                _log.warning("receivers could not be checked", extra={"reason": error.reason})
                return
            for each in checked:
                if each.faults:
                    facts = {"kind": each.kind.value, "faults": list(each.faults)}
                    _log.warning("a receiver is not in order", extra=facts)

    def _tell_of_none(self) -> None:
        now = self._clock.now()
        if self._told_at is None or now - self._told_at >= self._every:
            self._told_at = now
            _log.warning("no receiver was ever registered: Stripe sends nothing here")

"""Checking whether Stripe sends what it should, and repairing the endpoints in an account itself."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from stripe_bridge.domain.errors.rules import IntegrationNotConnected
from stripe_bridge.domain.receiver import PLATFORM_KINDS, account_receiver_url
from stripe_bridge.domain.stripe_objects import WebhookEndpoint
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.stripe.errors import GatewayError
from stripe_bridge.ports.stripe.receivers import ReceiverGateway
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.receivers.endpoint_status import EndpointStatus, EndpointStatuses
from stripe_bridge.use_cases.receivers.steps import repair_endpoint

_log = logging.getLogger(__name__)


class CheckReceivers:
    """Check the platform's two endpoints, and store whether each sends us what it should. Changes nothing at Stripe.

    May raise GatewayError.
    """

    def __init__(self, store: Store, clock: Clock, statuses: EndpointStatuses, url: str) -> None:
        self._store, self._clock, self._statuses, self._url = store, clock, statuses, url

    def __call__(self) -> list[EndpointStatus]:
        began_at = self._clock.now()
        return self._stored(self._statuses.of_platform(self._url), began_at)

    def of_integration(self, integration_id: int, account_id: str) -> list[EndpointStatus]:
        """The same for endpoints in the account itself; usually there are none."""
        began_at = self._clock.now()
        statuses = self._statuses.of_account(integration_id, account_id, self._url)
        _log_problems(statuses, integration_id=integration_id)
        return self._stored(statuses, began_at) if statuses else []

    def _stored(self, statuses: list[EndpointStatus], began_at: datetime) -> list[EndpointStatus]:
        with self._store.writing() as work:
            for status in statuses:
                # Read again: a secret may have been sealed with another key, or the account disconnected.
                current = status.known and work.receivers.find(status.known.id, lock=True)
                # One that was registered meanwhile may be younger than Stripe's list.
                if current is not None and current.created_at <= began_at:
                    now = self._clock.now()
                    work.receivers.save(replace(current, enabled=status.delivers, checked_at=now))
            work.commit()
        return statuses


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
        self._warned_at: datetime | None = None

    def __call__(self) -> None:
        """If Stripe is unreachable, what was known stays as it is."""
        with self._store.reading() as work:
            checked_at = [receiver.checked_at for receiver in work.receivers.of_kinds(PLATFORM_KINDS)]
        if not self._every:
            return
        if not checked_at and not self._has_extra_secrets:
            self._warn_of_none()
        if checked_at and self._clock.now() - min(checked_at) >= self._every:
            try:
                statuses = self._check()
            except GatewayError as error:
                _log.warning("webhook endpoints not checked", extra={"reason": error.reason})
            else:
                _log_problems(statuses)

    def _warn_of_none(self) -> None:
        now = self._clock.now()
        if self._warned_at is None or now - self._warned_at >= self._every:
            self._warned_at = now
            _log.warning("no webhook endpoint registered: Stripe sends no events here")


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairedReceivers:
    repaired: int = 0
    removed: int = 0


class RepairReceivers:
    """Repair an integration's own endpoints at Stripe, or remove those that cannot be repaired: the platform's Connect
    endpoint gets the same events.

    Neither needs an intent, as both may be done any number of times. Raises IntegrationNotConnected; may raise GatewayError.
    """

    def __init__(
        self, store: Store, clock: Clock, gateway: ReceiverGateway, statuses: EndpointStatuses, url: str
    ) -> None:
        self._store, self._clock, self._gateway = store, clock, gateway
        self._statuses, self._url = statuses, url

    def __call__(self, integration_id: int) -> RepairedReceivers:
        with self._store.reading() as work:
            integration = work.integrations.find(integration_id)
        if integration is None or integration.stripe_account_id is None:
            raise IntegrationNotConnected
        account_id, done = integration.stripe_account_id, RepairedReceivers()
        for status in self._statuses.of_account(integration_id, account_id, self._url):
            assert status.known is not None, "Of an account, only what is stored is compared"
            receiver_id, endpoint = status.known.id, status.endpoint
            if endpoint is None or status.must_replace:
                self._remove(account_id, receiver_id, endpoint)
                done = replace(done, removed=done.removed + 1)
            elif not status.delivers:
                url = account_receiver_url(self._url, integration_id)
                self._repair(account_id, receiver_id, endpoint, url)
                done = replace(done, repaired=done.repaired + 1)
        return done

    def _remove(self, account_id: str, receiver_id: int, endpoint: WebhookEndpoint | None) -> None:
        # At Stripe first: if an endpoint went on sending with a secret we no longer have, each event would be refused.
        if endpoint is not None:
            self._gateway.delete_endpoint(account_id=account_id, endpoint_id=endpoint.id)
        with self._store.writing() as work:
            work.receivers.remove(receiver_id)
            work.commit()

    def _repair(self, account_id: str, receiver_id: int, endpoint: WebhookEndpoint, url: str) -> None:
        repair_endpoint(self._gateway, account_id, endpoint, url)
        with self._store.writing() as work:
            # Read again: in the meantime its secret may have been sealed with another key, or the account disconnected.
            current = work.receivers.find(receiver_id, lock=True)
            if current is not None:
                now = self._clock.now()
                work.receivers.save(replace(current, enabled=True, url=url, checked_at=now))
            work.commit()


def _log_problems(statuses: Sequence[EndpointStatus], *, integration_id: int | None = None) -> None:
    for status in statuses:
        if status.problems:
            of = {"kind": status.kind.value} if integration_id is None else {"integration_id": integration_id}
            _log.warning("webhook endpoint has problems", extra={**of, "faults": list(status.problems)})

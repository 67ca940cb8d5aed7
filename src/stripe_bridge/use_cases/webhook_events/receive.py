"""Receiving webhooks: verify that Stripe sent it, store it once, wake the workers. Nothing else delays the response."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from stripe_bridge.domain.errors.base import ReceiverNotFound
from stripe_bridge.domain.errors.outcomes import PayloadMalformed, PayloadTooLarge, SignatureInvalid
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.receiver import PLATFORM_KINDS, Receiver
from stripe_bridge.domain.webhook_event import (
    MAX_PAYLOAD_BYTES,
    PLATFORM,
    SkipReason,
    StripeEvent,
    WebhookEvent,
)
from stripe_bridge.ports.metrics import Metrics
from stripe_bridge.ports.nudges import Nudges
from stripe_bridge.ports.storage.inbox import EventIngest
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.stripe.signatures import Signatures
from stripe_bridge.ports.system import Clock
from stripe_bridge.ports.vault import Vault

_log = logging.getLogger(__name__)
# How long secrets are cached, and how much longer they are good for others while one request looks them up again. A receiver
# that was removed may still be accepted for as long as the two together.
_CACHE_TTL, _LOOKUP_TIME = timedelta(seconds=10), timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveWebhookCommand:
    """`integration_id` names an account's own receiver; None means the platform's."""

    payload: bytes = field(repr=False)
    signature: str | None
    integration_id: int | None = None


class BuildEvent:
    """Build an event for the inbox, however it arrived. If there is nothing to do for it, it is already skipped."""

    def __init__(self, clock: Clock, *, livemode: bool, known_types: frozenset[str]) -> None:
        self._clock, self._livemode, self._known_types = clock, livemode, known_types

    def __call__(self, event: StripeEvent, payload: bytes, own_account: str | None = None) -> WebhookEvent:
        """`own_account` is the account whose events are expected at this receiver, None if any account's are."""
        now = self._clock.now()
        is_foreign = own_account is not None and event.account not in (None, own_account)
        # An event at the wrong receiver is stored under the receiver's account: stored under its own, it would take the
        # place of the same event when that arrives at the right one.
        account_id = own_account if is_foreign else event.account or own_account
        received = WebhookEvent(
            id=0,
            tenant_id=None,
            integration_id=None,
            stripe_event_id=event.id,
            event_type=event.type,
            account_id=account_id or PLATFORM,
            livemode=event.livemode,
            related_object_id=event.related_object_id,
            event_created_at=event.created_at,
            created_at=now,
            updated_at=now,
            due_at=now,
            payload=payload,
        )
        reason = self._skip_reason(event, is_foreign=is_foreign)
        return received if reason is None else received.skipped(reason, now)

    def _skip_reason(self, event: StripeEvent, *, is_foreign: bool) -> SkipReason | None:
        if is_foreign:
            return SkipReason.OTHER_ACCOUNT
        if event.livemode is not self._livemode:
            return SkipReason.OTHER_LIVEMODE
        if event.type not in self._known_types:
            return SkipReason.UNKNOWN_TYPE
        return None


class StoreFetchedEvent:
    """Put a fetched event into the inbox once. Returns it as stored, or None if it was already there."""

    def __init__(self, build_event: BuildEvent) -> None:
        self._build_event = build_event

    def __call__(self, work: UnitOfWork, event: StripeEvent, payload: bytes) -> WebhookEvent | None:
        built = self._build_event(event, payload)
        return built if work.inbox.store(built) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReceiverSecrets:
    """The signing secrets of a receiver. `own_account`: whose events arrive there if the payload does not say."""

    secrets: tuple[str, ...] = field(repr=False)
    own_account: str | None
    cached_until: datetime
    is_being_looked_up: bool = False


class SecretsNotCached(Exception):
    """The signature cannot be checked without looking up its secret."""


class ReceiveWebhook:
    """Store a verified event once. Returns whether it is new; a duplicate is accepted, too.

    Raises PayloadTooLarge, ReceiverNotFound, SignatureInvalid, PayloadMalformed, in this order; and StoreUnavailable, after
    which Stripe will retry.
    """

    def __init__(
        self,
        store: Store,
        event_ingest: EventIngest,
        clock: Clock,
        signatures: Signatures,
        vault: Vault,
        nudges: Nudges,
        metrics: Metrics,
        read_event: Callable[[bytes], StripeEvent],
        build_event: BuildEvent,
        *,
        extra_secrets: Sequence[str],
    ) -> None:
        self._store, self._event_ingest, self._clock, self._vault = store, event_ingest, clock, vault
        self._signatures, self._nudges, self._metrics = signatures, nudges, metrics
        self._read_event, self._build_event, self._extra_secrets = read_event, build_event, extra_secrets
        # Looking up and unsealing secrets costs more than everything else in receiving an event.
        self._cache: dict[int | None, _ReceiverSecrets] = {}

    def __call__(self, command: ReceiveWebhookCommand) -> bool:
        event = self._verified_event(command, self._verify)
        with self._store.writing() as work:
            is_new = work.inbox.store(event)
            work.commit()
        return self._report(event, is_new=is_new, soon=False)

    async def receive_async(self, command: ReceiveWebhookCommand) -> bool:
        """Like `__call__`, for an event loop, which it never blocks: where it would have to, it raises SecretsNotCached."""
        event = self._verified_event(command, self._verify_at_once)
        return self._report(event, is_new=await self._event_ingest.receive(event), soon=True)

    def _verified_event(
        self, command: ReceiveWebhookCommand, verify: Callable[[ReceiveWebhookCommand], _ReceiverSecrets]
    ) -> WebhookEvent:
        if len(command.payload) > MAX_PAYLOAD_BYTES:
            raise PayloadTooLarge(MAX_PAYLOAD_BYTES)
        _check_readable(command.payload)
        secrets = verify(command)
        return self._build_event(self._read_event(command.payload), command.payload, secrets.own_account)

    def _report(self, event: WebhookEvent, *, is_new: bool, soon: bool) -> bool:
        self._metrics.webhook("stored" if is_new else "duplicate")
        if event.skip_reason is not None:
            facts = {"stripe_event_id": event.stripe_event_id, "reason": event.skip_reason.value}
            _log.info("event skipped", extra=facts)
        elif is_new:
            self._nudges.inbox(deferred=soon)
        return is_new

    def _verify(self, command: ReceiveWebhookCommand) -> _ReceiverSecrets:
        """The secrets of which one signed the payload.

        They are looked up again before a signature is refused, since the secret may be newer than the cache.
        """
        cached = self._cache.get(command.integration_id)
        if cached is not None and self._clock.now() < cached.cached_until:
            with contextlib.suppress(SignatureInvalid):
                self._signatures.check(command.payload, command.signature, cached.secrets)
                return cached
        found = self._look_up(command.integration_id)
        self._signatures.check(command.payload, command.signature, found.secrets)
        return found

    def _verify_at_once(self, command: ReceiveWebhookCommand) -> _ReceiverSecrets:
        """The same with cached secrets. When these are old, one request has to look them up, but not all that arrive then."""
        cached, now = self._cache.get(command.integration_id), self._clock.now()
        if cached is None or now >= cached.cached_until + _LOOKUP_TIME:
            raise SecretsNotCached
        if now >= cached.cached_until and not cached.is_being_looked_up:
            self._cache[command.integration_id] = replace(cached, is_being_looked_up=True)
            raise SecretsNotCached
        try:
            self._signatures.check(command.payload, command.signature, cached.secrets)
        except SignatureInvalid:
            raise SecretsNotCached from None
        return cached

    def _look_up(self, integration_id: int | None) -> _ReceiverSecrets:
        try:
            found = self._load(integration_id)
        except Exception:
            # Those that are cached may no longer be what is stored.
            self._cache.pop(integration_id, None)
            raise
        self._cache[integration_id] = found
        return found

    def _load(self, integration_id: int | None) -> _ReceiverSecrets:
        until = self._clock.now() + _CACHE_TTL
        with self._store.reading() as work:
            if integration_id is None:
                receivers = work.receivers.of_kinds(PLATFORM_KINDS)
                secrets = (*self._open(receivers), *self._extra_secrets)
                return _ReceiverSecrets(secrets=secrets, own_account=None, cached_until=until)
            receivers = work.receivers.of_integration(integration_id)
            integration = work.integrations.find(integration_id)
            if not receivers or integration is None:
                raise ReceiverNotFound
            own_account = _own_account(work, integration)
        return _ReceiverSecrets(secrets=self._open(receivers), own_account=own_account, cached_until=until)

    def _open(self, receivers: Sequence[Receiver]) -> tuple[str, ...]:
        return tuple(self._vault.open(receiver.sealed_secret) for receiver in receivers)


def _own_account(work: UnitOfWork, integration: Integration) -> str:
    """The account whose events an integration's own receiver may bring.

    A holder of its secret can sign any event. So if the integration has no account, or its account has moved to another
    integration, the receiver speaks for no account, and its events are stored under a name that no account has.
    """
    if integration.account_id is not None:
        owner = work.integrations.find_by_account(integration.account_id)
        if owner is not None and owner.id == integration.id:
            return integration.account_id
    return f"receiver:{integration.id}"


def _check_readable(payload: bytes) -> None:
    """Raises PayloadMalformed for bytes that cannot be JSON, signed or not: Stripe's SDK only accepts text."""
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError:
        raise PayloadMalformed("not UTF-8") from None

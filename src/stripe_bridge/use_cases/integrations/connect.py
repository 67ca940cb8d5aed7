"""Completing an authorization: what happens when the merchant comes back from Stripe.

Redeeming the OAuth code is the one change at Stripe that is not an intent, as doing it twice revokes everything. So its state
is consumed in a commit beforehand, it is tried once, and after a crash or a time-out the merchant has to authorize again.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum

from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.integration import AuthorizationFailure, Integration, OAuthState
from stripe_bridge.domain.intent import account_subject
from stripe_bridge.domain.intent_plans import plan_deauthorize
from stripe_bridge.domain.stripe_objects import AccountSnapshot, Authorization
from stripe_bridge.ports.nudges import Nudges
from stripe_bridge.ports.storage.unit_of_work import AccountInUse, IntentUnsettled, Store, UnitOfWork
from stripe_bridge.ports.stripe.connect import ConnectGateway
from stripe_bridge.ports.stripe.errors import GatewayError, GatewayRefused
from stripe_bridge.ports.system import Clock, Identifiers
from stripe_bridge.ports.vault import Vault
from stripe_bridge.use_cases.intents.resolve import resume_waiting_intents
from stripe_bridge.use_cases.intents.settle import SettleIntent
from stripe_bridge.use_cases.receivers.register import RequestReceiver

_log = logging.getLogger(__name__)
# The error if the merchant declined; every other one means that something is wrong (RFC 6749, 4.1.2.1).
_ACCESS_DENIED = "access_denied"
_MAX_LOGGED = 100


class AuthorizationStatus(StrEnum):
    CONNECTED = "connected"
    DENIED = "denied"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationOutcome:
    """`integration_id` is None if the state is unknown."""

    status: AuthorizationStatus
    integration_id: int | None
    reason: AuthorizationFailure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackCommand:
    """What Stripe put into the redirect."""

    state: str | None = field(default=None, repr=False)
    code: str | None = field(default=None, repr=False)
    error: str | None = None


class _NotConnected(Exception):
    """`reason` is None if the merchant declined."""

    def __init__(self, reason: AuthorizationFailure | None) -> None:
        super().__init__(reason)
        self.reason = reason


class CompleteAuthorization:
    """Connect the integration that the state names. What the merchant or Stripe does is never raised as an error."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        identifiers: Identifiers,
        gateway: ConnectGateway,
        vault: Vault,
        nudges: Nudges,
        settle: SettleIntent,
        request_receiver: RequestReceiver,
        *,
        livemode: bool,
    ) -> None:
        self._store, self._clock, self._identifiers = store, clock, identifiers
        self._gateway, self._vault, self._nudges, self._settle = gateway, vault, nudges, settle
        self._request_receiver, self._livemode = request_receiver, livemode

    def __call__(self, command: CallbackCommand) -> AuthorizationOutcome:
        integration_id: int | None = None
        try:
            if command.error is not None and command.state is None:
                raise _NotConnected(_denial_reason(command.error))
            found = self._find(command.state)
            integration_id = found.integration_id
            if command.error is None and not command.code:
                raise _NotConnected(AuthorizationFailure.CODE_REFUSED)
            state = self._consume(found, command)
            if command.error is not None:
                raise _NotConnected(_denial_reason(command.error))
            if state.connected_at is None:
                self._redeem_and_connect(state, command.code or "")
        except _NotConnected as failure:
            return _outcome(failure.reason, integration_id, command.error)
        return AuthorizationOutcome(status=AuthorizationStatus.CONNECTED, integration_id=integration_id)

    def _redeem_and_connect(self, state: OAuthState, code: str) -> None:
        with self._store.reading() as work:
            integration = work.integrations.find(state.integration_id)
        if integration is None or integration.connected:
            raise _NotConnected(AuthorizationFailure.ALREADY_CONNECTED)
        authorization = self._redeem(code)
        snapshot = self._snapshot(authorization.account_id)
        endpoint = self._connect(state, authorization, snapshot)
        self._after_connect(snapshot.account_id, endpoint)

    def _find(self, state: str | None) -> OAuthState:
        with self._store.reading() as work:
            found = work.oauth_states.find(_hash(state or ""))
        if found is None:
            raise _NotConnected(AuthorizationFailure.STATE_UNKNOWN)
        return found

    def _after_connect(self, account_id: str, endpoint: int | None) -> None:
        """Requeue what workers skipped before the commit, and settle the request for a receiver; else workers do so later."""
        try:
            with self._store.writing() as work:
                requeued = work.inbox.requeue_skipped(account_id, self._clock.now(), waiting=True)
                work.commit()
            if requeued:
                self._nudges.inbox()
            if endpoint is not None:
                self._settle(endpoint)
        except BridgeError as error:
            _log.warning("follow-up after connecting failed", extra={"reason": error.message})

    def _consume(self, found: OAuthState, command: CallbackCommand) -> OAuthState:
        """A state works once: only the request that commits this may continue.

        If the code already connected the integration, people are reloading the page: nothing is left to do.
        """
        now, code_hash = self._clock.now(), _hash(command.code or "")
        with self._store.writing() as work:
            state = work.oauth_states.find(found.state_hash, lock=True)
            if state is None:
                raise _NotConnected(AuthorizationFailure.STATE_UNKNOWN)
            if command.error is None and state.has_connected(code_hash):
                return state
            refusal = state.refusal(now)
            if refusal is not None:
                raise _NotConnected(refusal)
            consumed = state.consume(now, code_hash)
            work.oauth_states.save(consumed)
            work.commit()
        return consumed

    def _redeem(self, code: str) -> Authorization:
        try:
            authorization = self._gateway.redeem(code)
        except GatewayRefused:
            raise _NotConnected(AuthorizationFailure.CODE_REFUSED) from None
        except GatewayError as error:
            _log.warning("OAuth code not redeemed", extra={"reason": error.reason})
            raise _NotConnected(AuthorizationFailure.STRIPE_UNAVAILABLE) from None
        if authorization.livemode is not self._livemode:
            raise _NotConnected(AuthorizationFailure.CODE_REFUSED)
        return authorization

    def _snapshot(self, account_id: str) -> AccountSnapshot:
        try:
            return self._gateway.account(account_id)
        except GatewayError as error:
            _log.warning("connected account not retrieved", extra={"reason": error.reason})
            raise _NotConnected(AuthorizationFailure.STRIPE_UNAVAILABLE) from None

    def _connect(
        self, state: OAuthState, authorization: Authorization, snapshot: AccountSnapshot
    ) -> int | None:
        """Returns the intent that requests a receiver of the account's own, if there is one."""
        sealed, now = self._vault.seal(authorization.access_token), self._clock.now()
        try:
            with self._store.writing() as work:
                former = work.integrations.find_by_account(snapshot.account_id)
                # The intents first, since settling an intent locks it before anything else.
                has_resumed = resume_waiting_intents(work, snapshot.account_id, now)
                integration = work.integrations.get(state.tenant_id, state.integration_id, lock=True)
                refusal = self._refusal(work, integration, former, authorization)
                if refusal is None:
                    connected = integration.connect(
                        snapshot=snapshot,
                        livemode=self._livemode,
                        sealed_access_token=sealed,
                        now=now,
                        former=former,
                    )
                    work.integrations.save(connected)
                    work.oauth_states.save(replace(state, connected_at=now))
                    endpoint = self._request_receiver(work, integration, snapshot.account_id)
                    work.inbox.requeue_skipped(snapshot.account_id, now, waiting=False)
                    work.commit()
                    if has_resumed:
                        self._nudges.intents()
                    return endpoint
                if former is None or not former.connected:
                    self._revoke_unused_grant(work, integration, snapshot.account_id)
        except AccountInUse:
            refusal = AuthorizationFailure.ACCOUNT_IN_USE
        raise _NotConnected(refusal)

    def _revoke_unused_grant(self, work: UnitOfWork, integration: Integration, account_id: str) -> None:
        """Revoke the access that was just granted, as no integration uses it."""
        reference, now = self._identifiers.reference(), self._clock.now()
        # Unless it is already being revoked.
        with suppress(IntentUnsettled):
            work.intents.add(plan_deauthorize(integration, account_id, reference=reference, now=now))
            work.commit()
            self._nudges.intents()

    def _refusal(
        self, work: UnitOfWork, integration: Integration, holder: Integration | None, granted: Authorization
    ) -> AuthorizationFailure | None:
        if granted.scope != "read_write":
            return AuthorizationFailure.CODE_REFUSED
        if integration.connected:
            return AuthorizationFailure.ALREADY_CONNECTED
        if work.intents.find_unsettled(account_subject(granted.account_id)) is not None:
            return AuthorizationFailure.SETTLING
        if holder is not None and holder.connected:
            return AuthorizationFailure.ACCOUNT_IN_USE
        if work.invoices.has_other_account(integration.id, granted.account_id):
            return AuthorizationFailure.OTHER_ACCOUNT
        return None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _denial_reason(error: str) -> AuthorizationFailure | None:
    return None if error == _ACCESS_DENIED else AuthorizationFailure.STRIPE_REFUSED


def _outcome(
    reason: AuthorizationFailure | None, integration_id: int | None, error: str | None
) -> AuthorizationOutcome:
    if reason is None:
        return AuthorizationOutcome(status=AuthorizationStatus.DENIED, integration_id=integration_id)
    facts = {"integration_id": integration_id, "reason": reason.value}
    _log.warning("authorization failed", extra={**facts, "error": error and error[:_MAX_LOGGED]})
    return AuthorizationOutcome(
        status=AuthorizationStatus.FAILED, integration_id=integration_id, reason=reason
    )

"""Completing an authorization: what happens when the merchant comes back from Stripe."""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass, field, replace
from enum import StrEnum

from stripe_bridge.domain.integration import AuthorizationFailure, Integration, OAuthState, hash_secret
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock
from stripe_bridge.ports.vault import Vault
from stripe_bridge.use_cases.integrations.redeem import NotConnected, RedeemCode

_log = logging.getLogger(__name__)
# The error if the merchant declined; every other one means that something is wrong (RFC 6749, 4.1.2.1).
_ACCESS_DENIED = "access_denied"
_MAX_LOGGED = 100


class AuthorizationStatus(StrEnum):
    CONNECTED = "connected"
    CONFIRM = "confirm"
    DENIED = "denied"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingConfirmation:
    """What is connected once `confirmation` is sent back, and whose it is."""

    confirmation: str = field(repr=False)
    tenant_id: str
    integration_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationOutcome:
    """`integration_id` is None if the state is unknown. `integration`, as it was left, is for showing what came of it."""

    status: AuthorizationStatus
    integration_id: int | None
    integration: Integration | None = field(default=None, compare=False)
    reason: AuthorizationFailure | None = None
    pending: PendingConfirmation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackCommand:
    """What Stripe put into the redirect."""

    state: str | None = field(default=None, repr=False)
    code: str | None = field(default=None, repr=False)
    error: str | None = None


class CompleteAuthorization:
    """Connect the integration that the state names, or ask for a confirmation first.

    What the merchant or Stripe does is never raised as an error.
    """

    def __init__(self, store: Store, clock: Clock, vault: Vault, redeem: RedeemCode) -> None:
        self._store, self._clock, self._vault, self._redeem = store, clock, vault, redeem

    def __call__(self, command: CallbackCommand) -> AuthorizationOutcome:
        outcome = self._complete(command)
        if outcome.integration_id is None:
            return outcome
        with self._store.reading() as work:
            return replace(outcome, integration=work.integrations.find(outcome.integration_id))

    def _complete(self, command: CallbackCommand) -> AuthorizationOutcome:
        integration_id: int | None = None
        try:
            if command.error is not None and command.state is None:
                return _decline(command.error, None)
            found = self._find(command.state)
            integration_id = found.integration_id
            if command.error is not None:
                self._consume(found, command)
                return _decline(command.error, integration_id)
            if not command.code:
                raise NotConnected(AuthorizationFailure.CODE_REFUSED)
            return self._connect(found, command)
        except NotConnected as failure:
            return _failed(failure.reason, integration_id, command.error or failure.words)

    def _find(self, state: str | None) -> OAuthState:
        with self._store.reading() as work:
            found = work.oauth_states.find(hash_secret(state or ""))
        if found is None:
            raise NotConnected(AuthorizationFailure.STATE_UNKNOWN)
        return found

    def _connect(self, found: OAuthState, command: CallbackCommand) -> AuthorizationOutcome:
        state, integration = self._consume(found, command)
        if state.awaits_confirmation(self._clock.now()):
            return AuthorizationOutcome(
                status=AuthorizationStatus.CONFIRM,
                integration_id=integration.id,
                pending=PendingConfirmation(
                    confirmation=_confirmation(command),
                    tenant_id=integration.tenant_id,
                    integration_name=integration.name,
                ),
            )
        if state.connected_at is None:
            self._redeem(state, command.code or "")
        return AuthorizationOutcome(status=AuthorizationStatus.CONNECTED, integration_id=integration.id)

    def _consume(self, found: OAuthState, command: CallbackCommand) -> tuple[OAuthState, Integration]:
        """A state works once: only the request that commits this may continue.

        People reload pages, though: the same code again, after it led to something, is answered as it was.
        """
        now = self._clock.now()
        with self._store.writing() as work:
            state = work.oauth_states.find(found.state_hash, lock=True)
            integration = work.integrations.find(found.integration_id)
            if state is None or integration is None:
                raise NotConnected(AuthorizationFailure.STATE_UNKNOWN)
            if command.error is None and state.can_be_repeated(hash_secret(command.code or ""), now):
                return state, integration
            refusal = state.refusal(now)
            if refusal is not None:
                raise NotConnected(refusal)
            consumed = replace(state, consumed_at=now, code_hash=hash_secret(command.code or ""))
            if state.needs_confirmation and command.error is None and not integration.connected:
                consumed = self._with_confirmation(consumed, command)
            work.oauth_states.save(consumed)
            work.commit()
        if integration.connected and command.error is None:
            raise NotConnected(AuthorizationFailure.ALREADY_CONNECTED)
        return consumed, integration

    def _with_confirmation(self, state: OAuthState, command: CallbackCommand) -> OAuthState:
        return replace(
            state,
            sealed_code=self._vault.seal(command.code or ""),
            confirmation_hash=hash_secret(_confirmation(command)),
        )


def _confirmation(command: CallbackCommand) -> str:
    """Known only to the browser that has the state and the code, and the same for it when it reloads the page.

    Whoever started the authorization has the state, but does not see the code of the merchant that the link was given to.
    """
    state, code = command.state or "", command.code or ""
    return hmac.new(state.encode(), code.encode(errors="replace"), "sha256").hexdigest()


def _decline(error: str, integration_id: int | None) -> AuthorizationOutcome:
    if error != _ACCESS_DENIED:
        raise NotConnected(AuthorizationFailure.STRIPE_REFUSED)
    return AuthorizationOutcome(status=AuthorizationStatus.DENIED, integration_id=integration_id)


def _failed(
    reason: AuthorizationFailure, integration_id: int | None, error: str | None
) -> AuthorizationOutcome:
    facts = {"integration_id": integration_id, "reason": reason.value}
    _log.warning("authorization failed", extra={**facts, "error": error and error[:_MAX_LOGGED]})
    return AuthorizationOutcome(
        status=AuthorizationStatus.FAILED, integration_id=integration_id, reason=reason
    )

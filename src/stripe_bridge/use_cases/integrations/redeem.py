"""Redeeming an OAuth code, and connecting the integration to the account that it gives access to.

Redeeming is the one change at Stripe that is not an intent, as doing it twice revokes everything. So what led to it is
consumed in a commit beforehand, it is tried once, and after a crash or a time-out the merchant has to authorize again.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace

from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.integration import AuthorizationFailure, Integration, OAuthState
from stripe_bridge.domain.intent import account_subject
from stripe_bridge.domain.intent_plans import plan_deauthorize
from stripe_bridge.domain.origin import by_merchant
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


class NotConnected(Exception):
    """`refusal` and `words` are what Stripe said, if it refused: to callers, and to operators."""

    def __init__(self, reason: AuthorizationFailure, refused: GatewayRefused | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.refusal = refused.refusal if refused else None
        self.words = refused.reason if refused else None


class RedeemCode:
    """Connect the integration of a state that was just consumed. Raises NotConnected."""

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

    def __call__(self, state: OAuthState, code: str) -> None:
        with self._store.reading() as work:
            integration = work.integrations.get(state.tenant_id, state.integration_id)
        if integration.connected:
            raise NotConnected(AuthorizationFailure.ALREADY_CONNECTED)
        authorization = self._redeem(code)
        snapshot = self._snapshot(authorization.account_id)
        endpoint = self._connect(state, authorization, snapshot)
        self._after_connect(snapshot.account_id, endpoint)

    def _redeem(self, code: str) -> Authorization:
        try:
            authorization = self._gateway.redeem(code)
        except GatewayRefused as error:
            raise NotConnected(AuthorizationFailure.CODE_REFUSED, error) from None
        except GatewayError as error:
            _log.warning("OAuth code not redeemed", extra={"reason": error.reason})
            raise NotConnected(AuthorizationFailure.STRIPE_UNAVAILABLE) from None
        if authorization.livemode is not self._livemode:
            raise NotConnected(AuthorizationFailure.CODE_REFUSED)
        return authorization

    def _snapshot(self, account_id: str) -> AccountSnapshot:
        try:
            return self._gateway.account(account_id)
        except GatewayRefused as error:
            raise NotConnected(AuthorizationFailure.STRIPE_REFUSED, error) from None
        except GatewayError as error:
            _log.warning("connected account not retrieved", extra={"reason": error.reason})
            raise NotConnected(AuthorizationFailure.STRIPE_UNAVAILABLE) from None

    def _connect(
        self, state: OAuthState, authorization: Authorization, snapshot: AccountSnapshot
    ) -> int | None:
        """Returns the intent that requests a receiver of the account's own, if there is one."""
        sealed, now = self._vault.seal(authorization.access_token), self._clock.now()
        try:
            with self._store.writing() as work:
                work.origin = by_merchant(snapshot.account_id, work.origin)
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
        raise NotConnected(refusal)

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

"""Confirming an authorization: the tenant says that it is its own merchant who came back from Stripe."""

from __future__ import annotations

import logging
from dataclasses import replace

from stripe_bridge.domain.errors.conflicts import AuthorizationFailed
from stripe_bridge.domain.errors.rules import ConfirmationInvalid
from stripe_bridge.domain.integration import OAuthState, hash_secret
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock
from stripe_bridge.ports.vault import Vault
from stripe_bridge.use_cases.integrations.manage import IntegrationView, view_integration
from stripe_bridge.use_cases.integrations.redeem import NotConnected, RedeemCode

_log = logging.getLogger(__name__)


class ConfirmAuthorization:
    """Redeem the code that waits for this confirmation, and connect the integration.

    Raises IntegrationNotFound, ConfirmationInvalid, and AuthorizationFailed if the account could not be connected.
    """

    def __init__(self, store: Store, clock: Clock, vault: Vault, redeem: RedeemCode) -> None:
        self._store, self._clock, self._vault, self._redeem = store, clock, vault, redeem

    def __call__(self, tenant_id: str, integration_id: int, confirmation: str) -> IntegrationView:
        state, code = self._consume(tenant_id, integration_id, confirmation)
        try:
            self._redeem(state, code)
        except NotConnected as failure:
            reason = failure.reason.value
            facts = {"integration_id": integration_id, "reason": reason, "error": failure.words}
            _log.warning("authorization failed", extra=facts)
            raise AuthorizationFailed(reason, failure.refusal) from None
        with self._store.reading() as work:
            return view_integration(work, work.integrations.get(tenant_id, integration_id))

    def _consume(self, tenant_id: str, integration_id: int, confirmation: str) -> tuple[OAuthState, str]:
        """A confirmation works once: only the request that commits this may redeem the code.

        One of another integration is left as it is: whose it is may still use it.
        """
        now = self._clock.now()
        with self._store.writing() as work:
            integration = work.integrations.get(tenant_id, integration_id)
            state = work.oauth_states.find_by_confirmation(hash_secret(confirmation), lock=True)
            if state is None or state.integration_id != integration.id or state.sealed_code is None:
                raise ConfirmationInvalid
            if not state.awaits_confirmation(now):
                raise ConfirmationInvalid
            code = self._vault.open(state.sealed_code)
            confirmed = replace(state, confirmed_at=now, sealed_code=None)
            work.oauth_states.save(confirmed)
            work.commit()
        return confirmed, code

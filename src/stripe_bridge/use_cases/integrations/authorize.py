"""Starting an authorization: the URL at which the merchant grants access."""

from __future__ import annotations

import hashlib

from stripe_bridge.domain.errors.conflicts import AlreadyConnected
from stripe_bridge.domain.integration import STATE_LIFETIME, OAuthState
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.stripe.connect import ConnectGateway
from stripe_bridge.ports.system import Clock, Identifiers


class StartAuthorization:
    """The URL where the merchant grants us access. Raises IntegrationNotFound, AlreadyConnected."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        identifiers: Identifiers,
        gateway: ConnectGateway,
        redirect_uri: str,
    ) -> None:
        self._store, self._clock, self._identifiers = store, clock, identifiers
        self._gateway, self._redirect_uri = gateway, redirect_uri

    def __call__(self, tenant_id: str, integration_id: int) -> str:
        secret = self._identifiers.secret()
        now = self._clock.now()
        with self._store.writing() as work:
            integration = work.integrations.get(tenant_id, integration_id, lock=True)
            if integration.connected:
                raise AlreadyConnected
            work.oauth_states.add(
                OAuthState(
                    state_hash=hashlib.sha256(secret.encode()).hexdigest(),
                    tenant_id=tenant_id,
                    integration_id=integration_id,
                    expires_at=now + STATE_LIFETIME,
                )
            )
            work.commit()
        return self._gateway.authorize_url(state=secret, redirect_uri=self._redirect_uri)

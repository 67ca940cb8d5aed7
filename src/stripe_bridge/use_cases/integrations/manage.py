"""Creating and showing integrations, and starting their authorization."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.domain.errors.conflicts import AlreadyConnected
from stripe_bridge.domain.integration import STATE_LIFETIME, Integration, OAuthState, hash_secret
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.receiver import ReceiverKind
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.stripe.connect import ConnectGateway
from stripe_bridge.ports.system import Clock, Identifiers


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationView:
    """`webhook_registered`: there is an enabled receiver to which Stripe sends this account's events."""

    integration: Integration
    webhook_registered: bool


def view_integration(work: UnitOfWork, integration: Integration) -> IntegrationView:
    return IntegrationView(
        integration=integration,
        webhook_registered=integration.connected
        and any(
            receiver.enabled
            for receiver in (
                *work.receivers.of_kinds([ReceiverKind.CONNECT]),
                *work.receivers.of_integration(integration.id),
            )
        ),
    )


class CreateIntegration:
    """Create a pending integration. Its `livemode` is that of our own key: the two modes are never mixed."""

    def __init__(self, store: Store, clock: Clock, *, livemode: bool) -> None:
        self._store, self._clock, self._livemode = store, clock, livemode

    def __call__(self, tenant_id: str, name: str) -> IntegrationView:
        now = self._clock.now()
        pending = Integration(
            id=0, tenant_id=tenant_id, name=name, livemode=self._livemode, created_at=now, updated_at=now
        )
        with self._store.writing() as work:
            integration = work.integrations.add(pending)
            work.commit()
        return IntegrationView(integration=integration, webhook_registered=False)


class ShowIntegration:
    """Raises IntegrationNotFound."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str, integration_id: int) -> IntegrationView:
        with self._store.reading() as work:
            return view_integration(work, work.integrations.get(tenant_id, integration_id))


class ListIntegrations:
    """Newest first."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str, request: PageRequest) -> Page[IntegrationView]:
        with self._store.reading() as work:
            page = work.integrations.page(tenant_id, request)
            return Page(
                items=[view_integration(work, integration) for integration in page.items],
                request=page.request,
                total=page.total,
                next_cursor=page.next_cursor,
            )


class StartAuthorization:
    """The URL at which the merchant grants access. Raises IntegrationNotFound, AlreadyConnected.

    `needs_confirmation`: nothing is connected until the tenant confirms that it was its own merchant who did so.
    """

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

    def __call__(self, tenant_id: str, integration_id: int, *, needs_confirmation: bool = False) -> str:
        secret = self._identifiers.secret()
        now = self._clock.now()
        with self._store.writing() as work:
            integration = work.integrations.get(tenant_id, integration_id, lock=True)
            if integration.connected:
                raise AlreadyConnected
            work.oauth_states.add(
                OAuthState(
                    state_hash=hash_secret(secret),
                    tenant_id=tenant_id,
                    integration_id=integration_id,
                    expires_at=now + STATE_LIFETIME,
                    needs_confirmation=needs_confirmation,
                )
            )
            work.commit()
        return self._gateway.authorize_url(state=secret, redirect_uri=self._redirect_uri)

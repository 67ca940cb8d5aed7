"""API tokens, OAuth states, integrations and receivers, on the tables of one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from stripe_bridge.domain.access import ApiToken
from stripe_bridge.domain.errors.base import (
    IntegrationNotFound,
    TokenNotFound,
)
from stripe_bridge.domain.errors.conflicts import StaleWrite
from stripe_bridge.domain.integration import Integration, OAuthState
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.panel_session import PanelSession
from stripe_bridge.domain.receiver import PLATFORM_KINDS, Receiver, ReceiverKind
from stripe_bridge.ports.storage.unit_of_work import AccountInUse
from tests.fakes.storage.tables import Tables, add, must_exist, page_of, save


class FakeTokens:
    def __init__(self, tables: Tables) -> None:
        self._tokens = tables.tokens

    def add(self, token: ApiToken) -> ApiToken:
        return add(self._tokens, token)

    def find(self, token_id: int) -> ApiToken | None:
        return self._tokens.find(token_id)

    def find_by_hash(self, token_hash: str) -> ApiToken | None:
        return next(iter(self._tokens.matching(lambda token: token.token_hash == token_hash)), None)

    def all(self) -> Sequence[ApiToken]:
        return self._tokens.matching(lambda _token: True)

    def revoke(self, token_id: int, now: datetime) -> ApiToken:
        token = self._tokens.find(token_id, lock=True)
        if token is None:
            raise TokenNotFound
        if token.revoked_at is None:
            token = replace(token, revoked_at=now)
            self._tokens.put(token_id, token)
        return token


class FakePanelSessions:
    def __init__(self, tables: Tables) -> None:
        self._sessions, self._tokens = tables.panel_sessions, tables.tokens

    def add(self, session: PanelSession) -> PanelSession:
        if session.api_token_id is not None:
            must_exist(self._tokens.find(session.api_token_id))
        return add(self._sessions, session)

    def find_by_hash(self, token_hash: str) -> PanelSession | None:
        return next(iter(self._sessions.matching(lambda each: each.token_hash == token_hash)), None)

    def remove_expired_before(self, moment: datetime) -> int:
        expired = self._sessions.matching(lambda each: each.expires_at < moment)
        for session in expired:
            self._sessions.remove(session.id)
        return len(expired)


class FakeOAuthStates:
    def __init__(self, tables: Tables) -> None:
        self._states = tables.oauth_states
        self._integrations = tables.integrations

    def add(self, state: OAuthState) -> None:
        must_exist(self._integrations.find(state.integration_id))
        self._states.put(state.state_hash, state)

    def find(self, state_hash: str, *, lock: bool = False) -> OAuthState | None:
        return self._states.find(state_hash, lock=lock)

    def find_by_confirmation(self, confirmation_hash: str, *, lock: bool = False) -> OAuthState | None:
        found = self._states.matching(lambda each: each.confirmation_hash == confirmation_hash)
        return self._states.find(found[0].state_hash, lock=lock) if found else None

    def save(self, state: OAuthState) -> None:
        if self._states.find(state.state_hash, lock=True) is not None:
            self._states.put(state.state_hash, state)

    def remove_expired_before(self, moment: datetime) -> int:
        expired = self._states.matching(lambda each: each.expires_at < moment)
        for state in expired:
            self._states.remove(state.state_hash)
        return len(expired)


class FakeIntegrations:
    def __init__(self, tables: Tables) -> None:
        self._integrations = tables.integrations

    def add(self, integration: Integration) -> Integration:
        self._check_account(integration, own_id=None)
        return add(self._integrations, integration)

    def get(self, tenant_id: str, integration_id: int, *, lock: bool = False) -> Integration:
        found = self._integrations.find(integration_id, lock=lock)
        if found is None or found.tenant_id != tenant_id:
            raise IntegrationNotFound
        return found

    def find(self, integration_id: int, *, lock: bool = False) -> Integration | None:
        return self._integrations.find(integration_id, lock=lock)

    def find_by_account(self, account_id: str, *, lock: bool = False) -> Integration | None:
        self._integrations.check_writable(lock)
        return last_connected(self._integrations.matching(lambda each: each.account_id == account_id))

    def names_of(self, integration_ids: Sequence[int]) -> Mapping[int, str]:
        found = self._integrations.matching(lambda each: each.id in integration_ids)
        return {integration.id: integration.name for integration in found}

    def page(self, tenant_id: str, request: PageRequest) -> Page[Integration]:
        return page_of(self._integrations.matching(lambda each: each.tenant_id == tenant_id), request)

    def tenants(self) -> Sequence[str]:
        return list({each.tenant_id for each in self._integrations.matching(lambda _each: True)})

    def with_tokens(self) -> Sequence[int]:
        return [each.id for each in self._integrations.matching(lambda each: bool(each.sealed_access_token))]

    def save(self, integration: Integration) -> Integration:
        self._check_account(integration, own_id=integration.id)
        return save(self._integrations, integration)

    def _check_account(self, integration: Integration, own_id: int | None) -> None:
        if integration.connected and self._integrations.matching(
            lambda each: each.connected and each.account_id == integration.account_id and each.id != own_id
        ):
            raise AccountInUse


def last_connected(integrations: Sequence[Integration]) -> Integration | None:
    """The one that is connected, or else the last one that was."""

    def rank(integration: Integration) -> tuple[bool, float, int]:
        left = integration.disconnected_at
        return integration.connected, left.timestamp() if left else 0.0, integration.id

    return max(integrations, key=rank, default=None)


class FakeReceivers:
    def __init__(self, tables: Tables) -> None:
        self._receivers = tables.receivers

    def add(self, receiver: Receiver) -> Receiver:
        if receiver.kind in PLATFORM_KINDS and self.of_kinds([receiver.kind]):
            raise StaleWrite
        return add(self._receivers, receiver)

    def find(self, receiver_id: int, *, lock: bool = False) -> Receiver | None:
        return self._receivers.find(receiver_id, lock=lock)

    def of_kinds(self, kinds: Sequence[ReceiverKind]) -> Sequence[Receiver]:
        return self._receivers.matching(lambda each: each.kind in kinds)

    def of_integration(self, integration_id: int) -> Sequence[Receiver]:
        return self._receivers.matching(lambda each: each.integration_id == integration_id)

    def save(self, receiver: Receiver) -> None:
        if self._receivers.find(receiver.id) is None:
            raise StaleWrite
        self._receivers.put(receiver.id, receiver)

    def remove(self, receiver_id: int) -> None:
        self._receivers.remove(receiver_id)

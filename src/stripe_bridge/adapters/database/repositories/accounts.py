"""Tokens, OAuth states, integrations and receivers, stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update

from stripe_bridge.adapters.database.mapping import AggregateMapper, Mapper, UniqueRule, with_lock
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.accounts import (
    IntegrationRow,
    OAuthStateRow,
    PanelSessionRow,
    ReceiverRow,
    TokenRow,
)
from stripe_bridge.domain.access import ApiToken
from stripe_bridge.domain.errors.base import IntegrationNotFound, TokenNotFound
from stripe_bridge.domain.integration import Integration, OAuthState
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.panel_session import PanelSession
from stripe_bridge.domain.receiver import Receiver, ReceiverKind
from stripe_bridge.ports.storage.unit_of_work import AccountInUse

_TOKENS = AggregateMapper(ApiToken, TokenRow)
_TOKEN = _TOKENS.table.c
_TOKEN_BY_HASH = _TOKENS.select.where(_TOKEN.token_hash == bindparam("token_hash"))
_TOKEN_BY_ID = _TOKENS.select.where(_TOKEN.id == bindparam("id"))

_SESSIONS = AggregateMapper(PanelSession, PanelSessionRow)
_SESSION = _SESSIONS.table.c
_SESSION_BY_HASH = _SESSIONS.select.where(_SESSION.token_hash == bindparam("token_hash"))

_STATES = Mapper(OAuthState, OAuthStateRow)
_STATE = _STATES.table.c
_STATE_BY_HASH = with_lock(_STATES.select.where(_STATE.state_hash == bindparam("state_hash")))
_STATE_BY_CONFIRMATION = with_lock(
    _STATES.select.where(_STATE.confirmation_hash == bindparam("confirmation_hash"))
)

_INTEGRATIONS = AggregateMapper(
    Integration,
    IntegrationRow,
    rule=UniqueRule.of(IntegrationRow, "uq_integrations_connected_account", AccountInUse),
)
_INTEGRATION = _INTEGRATIONS.table.c
_INTEGRATION_BY_ID = with_lock(_INTEGRATIONS.select.where(_INTEGRATION.id == bindparam("id")))
_INTEGRATION_OF_TENANT = with_lock(
    _INTEGRATIONS.select.where(
        _INTEGRATION.id == bindparam("id"), _INTEGRATION.tenant_id == bindparam("tenant_id")
    )
)
# The connected integration (it has no `disconnected_at`), or else the one that was disconnected last.
LAST_CONNECTED = (
    _INTEGRATION.connected.desc(),
    _INTEGRATION.disconnected_at.desc(),
    _INTEGRATION.id.desc(),
)
_INTEGRATION_BY_ACCOUNT = with_lock(
    _INTEGRATIONS.select.where(_INTEGRATION.account_id == bindparam("account_id"))
    .order_by(*LAST_CONNECTED)
    .limit(1)
)

_RECEIVERS = AggregateMapper(Receiver, ReceiverRow)
_RECEIVER = _RECEIVERS.table.c
_RECEIVER_BY_ID = with_lock(_RECEIVERS.select.where(_RECEIVER.id == bindparam("id")))


class SqlTokens:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, token: ApiToken) -> ApiToken:
        added = replace(token, id=self._transaction.add(_TOKENS, token))
        self._transaction.added(added)
        return added

    def find(self, token_id: int) -> ApiToken | None:
        return self._transaction.find(_TOKENS, _TOKEN_BY_ID, id=token_id)

    def find_by_hash(self, token_hash: str) -> ApiToken | None:
        return self._transaction.find(_TOKENS, _TOKEN_BY_HASH, token_hash=token_hash)

    def all(self) -> Sequence[ApiToken]:
        return self._transaction.list(_TOKENS, _TOKENS.select.order_by(_TOKEN.id))

    def revoke(self, token_id: int, now: datetime) -> ApiToken:
        token = self._transaction.find(_TOKENS, _TOKEN_BY_ID, id=token_id)
        if token is None:
            raise TokenNotFound
        live = update(_TOKENS.table).where(_TOKEN.id == token_id, _TOKEN.revoked_at.is_(None))
        if self._transaction.execute(live.values(revoked_at=now)).rowcount != 1:
            return token
        revoked = replace(token, revoked_at=now)
        self._transaction.changed(token, revoked)
        return revoked


class SqlPanelSessions:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, session: PanelSession) -> PanelSession:
        return replace(session, id=self._transaction.add(_SESSIONS, session))

    def find_by_hash(self, token_hash: str) -> PanelSession | None:
        return self._transaction.find(_SESSIONS, _SESSION_BY_HASH, token_hash=token_hash)

    def remove_expired_before(self, moment: datetime) -> int:
        return self._transaction.execute(delete(_SESSIONS.table).where(_SESSION.expires_at < moment)).rowcount


class SqlOAuthStates:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, state: OAuthState) -> None:
        self._transaction.execute(insert(_STATES.table), _STATES.values(state))

    def find(self, state_hash: str, *, lock: bool = False) -> OAuthState | None:
        return self._transaction.find(_STATES, _STATE_BY_HASH[lock], state_hash=state_hash)

    def find_by_confirmation(self, confirmation_hash: str, *, lock: bool = False) -> OAuthState | None:
        statement = _STATE_BY_CONFIRMATION[lock]
        return self._transaction.find(_STATES, statement, confirmation_hash=confirmation_hash)

    def save(self, state: OAuthState) -> None:
        statement = update(_STATES.table).where(_STATE.state_hash == state.state_hash)
        self._transaction.execute(statement.values(_STATES.values(state)))

    def remove_expired_before(self, moment: datetime) -> int:
        return self._transaction.execute(delete(_STATES.table).where(_STATE.expires_at < moment)).rowcount


class SqlIntegrations:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, integration: Integration) -> Integration:
        return replace(integration, id=self._transaction.add(_INTEGRATIONS, integration))

    def get(self, tenant_id: str, integration_id: int, *, lock: bool = False) -> Integration:
        statement = _INTEGRATION_OF_TENANT[lock]
        found = self._transaction.find(_INTEGRATIONS, statement, id=integration_id, tenant_id=tenant_id)
        if found is None:
            raise IntegrationNotFound
        return found

    def find(self, integration_id: int, *, lock: bool = False) -> Integration | None:
        return self._transaction.find(_INTEGRATIONS, _INTEGRATION_BY_ID[lock], id=integration_id)

    def find_by_account(self, account_id: str, *, lock: bool = False) -> Integration | None:
        return self._transaction.find(_INTEGRATIONS, _INTEGRATION_BY_ACCOUNT[lock], account_id=account_id)

    def names_of(self, integration_ids: Sequence[int]) -> Mapping[int, str]:
        statement = select(_INTEGRATION.id, _INTEGRATION.name).where(_INTEGRATION.id.in_(integration_ids))
        return {row.id: row.name for row in self._transaction.execute(statement)}

    def page(self, tenant_id: str, request: PageRequest) -> Page[Integration]:
        of_tenant = _INTEGRATIONS.select.where(_INTEGRATION.tenant_id == tenant_id)
        return self._transaction.page(_INTEGRATIONS, of_tenant, request)

    def tenants(self) -> Sequence[str]:
        return list(self._transaction.execute(select(_INTEGRATION.tenant_id).distinct()).scalars())

    def with_tokens(self) -> Sequence[int]:
        statement = select(_INTEGRATION.id).where(_INTEGRATION.sealed_access_token.is_not(None))
        return list(self._transaction.execute(statement.order_by(_INTEGRATION.id)).scalars())

    def save(self, integration: Integration) -> Integration:
        with self._transaction.savepoint():
            return self._transaction.save(_INTEGRATIONS, integration)


class SqlReceivers:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, receiver: Receiver) -> Receiver:
        return replace(receiver, id=self._transaction.add(_RECEIVERS, receiver))

    def find(self, receiver_id: int, *, lock: bool = False) -> Receiver | None:
        return self._transaction.find(_RECEIVERS, _RECEIVER_BY_ID[lock], id=receiver_id)

    def of_kinds(self, kinds: Sequence[ReceiverKind]) -> Sequence[Receiver]:
        statement = _RECEIVERS.select.where(_RECEIVER.kind.in_(kinds)).order_by(_RECEIVER.id)
        return self._transaction.list(_RECEIVERS, statement)

    def of_integration(self, integration_id: int) -> Sequence[Receiver]:
        statement = _RECEIVERS.select.where(_RECEIVER.integration_id == integration_id)
        return self._transaction.list(_RECEIVERS, statement.order_by(_RECEIVER.id))

    def save(self, receiver: Receiver) -> None:
        self._transaction.save(_RECEIVERS, receiver)

    def remove(self, receiver_id: int) -> None:
        self._transaction.execute(delete(_RECEIVERS.table).where(_RECEIVER.id == receiver_id))

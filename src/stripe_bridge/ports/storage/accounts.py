"""API tokens, OAuth states, integrations and receivers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from stripe_bridge.domain.access import ApiToken
from stripe_bridge.domain.integration import Integration, OAuthState
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.panel_session import PanelSession
from stripe_bridge.domain.receiver import Receiver, ReceiverKind


class Tokens(Protocol):
    def add(self, token: ApiToken) -> ApiToken: ...

    def find(self, token_id: int) -> ApiToken | None: ...

    def find_by_hash(self, token_hash: str) -> ApiToken | None: ...

    def all(self) -> Sequence[ApiToken]:
        """Oldest first, including revoked ones."""
        ...

    def revoke(self, token_id: int, now: datetime) -> ApiToken:
        """Raises TokenNotFound. Revoking it again changes nothing."""
        ...


class PanelSessions(Protocol):
    def add(self, session: PanelSession) -> PanelSession: ...

    def find_by_hash(self, token_hash: str) -> PanelSession | None: ...

    def remove_expired_before(self, moment: datetime) -> int:
        """How many there were."""
        ...


class OAuthStates(Protocol):
    def add(self, state: OAuthState) -> None: ...

    def find(self, state_hash: str, *, lock: bool = False) -> OAuthState | None: ...

    def find_by_confirmation(self, confirmation_hash: str, *, lock: bool = False) -> OAuthState | None: ...

    def save(self, state: OAuthState) -> None: ...

    def remove_expired_before(self, moment: datetime) -> int:
        """How many there were."""
        ...


class Integrations(Protocol):
    """At most one connected integration per account, over all tenants: breaking that raises AccountInUse."""

    def add(self, integration: Integration) -> Integration: ...

    def get(self, tenant_id: str, integration_id: int, *, lock: bool = False) -> Integration: ...

    def find(self, integration_id: int, *, lock: bool = False) -> Integration | None:
        """Of any tenant: for workers and callbacks, which have other credentials than a tenant's token."""
        ...

    def find_by_account(self, account_id: str, *, lock: bool = False) -> Integration | None:
        """The one connected to the account, else the last one that was."""
        ...

    def names_of(self, integration_ids: Sequence[int]) -> Mapping[int, str]: ...

    def page(self, tenant_id: str, request: PageRequest) -> Page[Integration]: ...

    def tenants(self) -> Sequence[str]:
        """All that have an integration, in no particular order."""
        ...

    def with_tokens(self) -> Sequence[int]:
        """The ids of those that hold an access token, of any tenant."""
        ...

    def save(self, integration: Integration) -> Integration: ...


class Receivers(Protocol):
    """At most one of each of the platform's kinds: adding a second one raises StaleWrite."""

    def add(self, receiver: Receiver) -> Receiver: ...

    def find(self, receiver_id: int, *, lock: bool = False) -> Receiver | None: ...

    def of_kinds(self, kinds: Sequence[ReceiverKind]) -> Sequence[Receiver]: ...

    def of_integration(self, integration_id: int) -> Sequence[Receiver]: ...

    def save(self, receiver: Receiver) -> None: ...

    def remove(self, receiver_id: int) -> None: ...

"""An integration: one Stripe account joined to this service; connecting and disconnecting it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from stripe_bridge.domain.errors.conflicts import AlreadyConnected
from stripe_bridge.domain.errors.rules import IntegrationNotConnected, IntegrationRestricted
from stripe_bridge.domain.stripe_objects import AccountSnapshot

STATE_LIFETIME = timedelta(minutes=10)
# Stripe's code lives for five: https://docs.stripe.com/connect/oauth-reference
CONFIRMATION_LIFETIME = timedelta(minutes=4)


def hash_secret(secret: str) -> str:
    """What is stored of a random secret that is only ever compared."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


class SyncStatus(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    RESTRICTED = "restricted"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """`account_id` is the account that it is joined to or, if not `connected`, was last joined to.

    It is kept after a disconnect so that late events find their integration. `connected_at` is when it first joined that
    account. `last_reconciled_at` is when the last complete comparison with Stripe began; at first it is taken over from the
    tenant's former integration with that account, if there was one.
    """

    id: int
    tenant_id: str
    name: str
    livemode: bool
    created_at: datetime
    updated_at: datetime
    connected: bool = False
    account_id: str | None = None
    snapshot: AccountSnapshot | None = None
    sealed_access_token: str | None = field(default=None, repr=False)
    connected_at: datetime | None = None
    disconnected_at: datetime | None = None
    last_reconciled_at: datetime | None = None
    version: int = 0

    @property
    def sync_status(self) -> SyncStatus:
        if self.connected:
            can_charge = self.snapshot is not None and self.snapshot.charges_enabled
            return SyncStatus.ACTIVE if can_charge else SyncStatus.RESTRICTED
        return SyncStatus.PENDING if self.account_id is None else SyncStatus.DISCONNECTED

    @property
    def stripe_account_id(self) -> str | None:
        """The account that it is joined to now."""
        return self.account_id if self.connected else None

    def can_act_for(self, tenant_id: str, account_id: str) -> bool:
        """Whether the tenant's invoices in that account can be changed through it, whichever integration sent them."""
        return self.tenant_id == tenant_id and self.stripe_account_id == account_id

    def require_chargeable_account(self) -> str:
        """The account to charge through. Raises IntegrationNotConnected or IntegrationRestricted."""
        if not self.connected or self.account_id is None:
            raise IntegrationNotConnected
        if self.sync_status is SyncStatus.RESTRICTED:
            raise IntegrationRestricted
        return self.account_id

    def connect(
        self,
        *,
        snapshot: AccountSnapshot,
        livemode: bool,
        sealed_access_token: str,
        now: datetime,
        former: Integration | None = None,
    ) -> Integration:
        """Join the account. `former` is the integration that had it last, if one had. Raises AlreadyConnected."""
        if self.connected:
            raise AlreadyConnected
        # What happened while it was disconnected is fetched from where reconciling had got to.
        is_the_same = snapshot.account_id == self.account_id and self.connected_at is not None
        return replace(
            self,
            connected=True,
            account_id=snapshot.account_id,
            livemode=livemode,
            snapshot=snapshot,
            sealed_access_token=sealed_access_token,
            connected_at=self.connected_at if is_the_same else now,
            last_reconciled_at=self.last_reconciled_at if is_the_same else self._known_from(former),
            disconnected_at=None,
            updated_at=now,
        )

    def _known_from(self, former: Integration | None) -> datetime | None:
        """Until when the tenant knows what happened in the account, through its former integration with it."""
        if former is None or former.tenant_id != self.tenant_id:
            return None
        return former.last_reconciled_at or former.connected_at

    def refresh(self, snapshot: AccountSnapshot, now: datetime) -> Integration:
        """Take the account's newer snapshot; the same one changes nothing."""
        return self if snapshot == self.snapshot else replace(self, snapshot=snapshot, updated_at=now)

    def reconciled(self, begun_at: datetime) -> Integration:
        """Note that everything that happened before `begun_at` is known here.

        A run that ends late may have begun earlier than the one already noted.
        """
        return replace(self, last_reconciled_at=max(begun_at, self.last_reconciled_at or begun_at))

    def disconnect(self, now: datetime) -> Integration:
        """Leave the account and delete its token; the last snapshot stays readable. If not connected: no change."""
        if not self.connected:
            return self
        return replace(self, connected=False, sealed_access_token=None, disconnected_at=now, updated_at=now)


class AuthorizationFailure(StrEnum):
    """Why an authorization did not connect; passed to the return URL, or to whoever confirmed it, as `reason`."""

    STATE_UNKNOWN = "state_unknown"
    STATE_USED = "state_used"
    STATE_EXPIRED = "state_expired"
    ALREADY_CONNECTED = "already_connected"
    CODE_REFUSED = "code_refused"
    ACCOUNT_IN_USE = "account_in_use"
    OTHER_ACCOUNT = "other_account"
    SETTLING = "settling"
    STRIPE_REFUSED = "stripe_refused"
    STRIPE_UNAVAILABLE = "stripe_unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthState:
    """An authorization under way, stored by the hash of its `state`, which works once, within ten minutes.

    `code_hash` is that of the code it was consumed with. If it `needs_confirmation`, the code is kept, sealed, until a
    confirmation comes, which works once, within four minutes.
    """

    state_hash: str
    tenant_id: str
    integration_id: int
    expires_at: datetime
    consumed_at: datetime | None = None
    code_hash: str | None = None
    connected_at: datetime | None = None
    needs_confirmation: bool = False
    sealed_code: str | None = field(default=None, repr=False)
    confirmation_hash: str | None = None
    confirmed_at: datetime | None = None

    def awaits_confirmation(self, now: datetime) -> bool:
        if self.confirmation_hash is None or self.confirmed_at is not None or self.consumed_at is None:
            return False
        return now < self.consumed_at + CONFIRMATION_LIFETIME

    def can_be_repeated(self, code_hash: str, now: datetime) -> bool:
        """Whether this code led to what can be answered again."""
        is_answered = self.connected_at is not None or self.awaits_confirmation(now)
        return is_answered and self.code_hash == code_hash

    def refusal(self, now: datetime) -> AuthorizationFailure | None:
        """Why it may not be used now, None when it may."""
        if self.consumed_at is not None:
            return AuthorizationFailure.STATE_USED
        if now >= self.expires_at:
            return AuthorizationFailure.STATE_EXPIRED
        return None

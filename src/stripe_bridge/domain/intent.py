"""An intent: a call that changes something at Stripe, committed before it is made.

    planned ──> sent ──> confirmed
       ^         │ ├───> failed
       │         v │
       └───── unknown          Stripe was asked, and what came of it is not known yet

One unsettled intent per subject (a database constraint) makes calls on one invoice, customer or account
follow one another. A crash leaves an intent `sent` under a lease; the worker that finds the lease expired checks Stripe for
the effect before it calls again. It calls again under the same key, so that to Stripe both are one call, however late the
first one arrives and whatever the clocks of the two processes show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from stripe_bridge.domain.origin import Actor, Origin
from stripe_bridge.domain.receiver import ReceiverKind
from stripe_bridge.domain.refusal import Refusal

_FIRST_DELAY, _MAX_DELAY = timedelta(seconds=1), timedelta(minutes=15)
# Only the merchant can end this wait, by connecting again.
_ACCESS_REVOKED_DELAY = timedelta(hours=1)
# Stripe keeps an idempotency key for at least 24 hours.
_KEY_LIFETIME = timedelta(hours=23)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasePolicy:
    """`lease`: longer than the longest call including retries, so that an expired lease means its holder is gone.

    `settle_after`: for this long after it was made, a call may still be running inside Stripe, so that not seeing its
    effect proves nothing.
    """

    lease: timedelta = timedelta(seconds=60)
    settle_after: timedelta = timedelta(seconds=60)


DEFAULT_LEASE_POLICY = LeasePolicy()


class Operation(StrEnum):
    CREATE_CUSTOMER = "create_customer"
    CREATE_DRAFT = "create_draft"
    ADD_LINES = "add_lines"
    FINALIZE = "finalize"
    SEND = "send"
    VOID = "void"
    DELETE_DRAFT = "delete_draft"
    REFUND = "refund"
    DEAUTHORIZE = "deauthorize"
    CREATE_ENDPOINT = "create_endpoint"
    REPAIR_ENDPOINT = "mend_endpoint"


class IntentState(StrEnum):
    PLANNED = "planned"
    SENT = "sent"
    UNKNOWN = "unknown"
    CONFIRMED = "confirmed"
    FAILED = "failed"


UNSETTLED = frozenset({IntentState.PLANNED, IntentState.SENT, IntentState.UNKNOWN})
# What callers see of one that went wrong.
_WILL_RETRY = "Stripe has not confirmed it yet; it will be tried again."
_GIVEN_UP = "It will not be tried again."
# What moves money, makes an invoice payable, or gives us access. The others leave at most a draft, which cannot be paid.
_MUST_BE_RESOLVED = frozenset(
    {Operation.FINALIZE, Operation.SEND, Operation.VOID, Operation.REFUND, Operation.DEAUTHORIZE}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """`reference` is random and goes into Stripe's metadata, so that the effect can be found. `parameters` never change.

    `tenant_id` and `integration_id` are None for a call about the platform itself.

    `origin` is who asked for it and why, None where an earlier release planned it.

    `due_at` is when it may be taken (again): the end of a backoff, or of the current holder's lease.
    `first_sent_at` belongs to the current revision: no call under its key was made before then.
    """

    id: int
    tenant_id: str | None
    integration_id: int | None
    account_id: str
    operation: Operation
    subject: str
    invoice_id: int | None
    parameters: Mapping[str, Any]
    reference: str
    created_at: datetime
    updated_at: datetime
    due_at: datetime
    state: IntentState = IntentState.PLANNED
    revision: int = 1
    attempts: int = 0
    first_sent_at: datetime | None = None
    last_error: str | None = None
    refusal: Refusal | None = None
    origin: Origin | None = None
    version: int = 0

    @property
    def idempotency_key(self) -> str:
        """One per call and revision, never shared."""
        return f"{self.reference}-{self.revision}"

    @property
    def requester(self) -> Actor | None:
        """Who asked for it; None for this service itself, and where that was not stored."""
        is_known = self.origin is not None and self.origin.actor.is_a_caller
        return self.origin.actor if self.origin is not None and is_known else None

    @property
    def is_settled(self) -> bool:
        return self.state not in UNSETTLED

    @property
    def public_error(self) -> str | None:
        """What callers may know: Stripe's own sentence, or what happens next. `last_error` itself is for operators."""
        if self.last_error is None:
            return None
        if not self.is_settled:
            return _WILL_RETRY
        return _GIVEN_UP if self.refusal is None else self.refusal.message

    @property
    def may_have_happened(self) -> bool:
        """Whether the call may have had its effect, so that Stripe has to be checked before it is made again."""
        return self.first_sent_at is not None

    @property
    def must_be_resolved(self) -> bool:
        """Whether it stays open until Stripe shows whether it had its effect, even if our access to the account is revoked."""
        return self.operation in _MUST_BE_RESOLVED

    def is_due(self, now: datetime) -> bool:
        return not self.is_settled and now >= self.due_at

    def lease(self, now: datetime, policy: LeasePolicy = DEFAULT_LEASE_POLICY) -> Intent:
        """Lease it to the worker that commits this and then makes the call. Marked `sent` beforehand, so that after a crash
        during the call it is clear that the call may have been made."""
        return replace(
            self,
            state=IntentState.SENT,
            attempts=self.attempts + 1,
            first_sent_at=self.first_sent_at or now,
            due_at=now + policy.lease,
            updated_at=now,
        )

    def absence_is_conclusive(self, now: datetime, policy: LeasePolicy = DEFAULT_LEASE_POLICY) -> bool:
        """Whether it proves that the call never had and never will have an effect when Stripe shows none."""
        return self.first_sent_at is not None and now - self.first_sent_at >= policy.settle_after

    def is_key_usable(self, now: datetime) -> bool:
        """Whether Stripe is sure to remember a call that was made under the key."""
        return self.first_sent_at is None or now - self.first_sent_at < _KEY_LIFETIME

    def renew_key(self, error: str, now: datetime, policy: LeasePolicy = DEFAULT_LEASE_POLICY) -> Intent:
        """Give up the key, which can have no further effect. The first call under the new one has to wait: Stripe is checked
        once more when a call under the old key can no longer be running."""
        return replace(
            self,
            state=IntentState.UNKNOWN,
            revision=self.revision + 1,
            first_sent_at=now,
            last_error=error,
            due_at=now + policy.settle_after,
            updated_at=now,
        )

    def confirm(self, now: datetime) -> Intent:
        return replace(self, state=IntentState.CONFIRMED, last_error=None, updated_at=now)

    def fail(self, error: str, now: datetime, refusal: Refusal | None = None) -> Intent:
        """Stripe refused for good."""
        return replace(self, state=IntentState.FAILED, last_error=error, refusal=refusal, updated_at=now)

    def postpone(self, error: str, now: datetime, *, jitter: float) -> Intent:
        """Stripe did not accept the call (rate limit, lock): nothing happened; retry later under the same key.

        `jitter` in [0, 1] spreads the retries.
        """
        return replace(
            self,
            state=IntentState.PLANNED,
            first_sent_at=None,
            last_error=error,
            due_at=now + self._delay(jitter),
            updated_at=now,
        )

    def mark_unknown(self, error: str, now: datetime, *, jitter: float) -> Intent:
        """No answer, or one that proves nothing: check Stripe later."""
        return replace(
            self,
            state=IntentState.UNKNOWN,
            last_error=error,
            due_at=now + self._delay(jitter),
            updated_at=now,
        )

    def wait_for_access(self, error: str, now: datetime) -> Intent:
        """Our access to the account was revoked: wait until it is connected again."""
        return replace(
            self,
            state=IntentState.UNKNOWN,
            last_error=error,
            due_at=now + _ACCESS_REVOKED_DELAY,
            updated_at=now,
        )

    def make_due(self, now: datetime) -> Intent:
        """Make it due at once, unless it is settled or leased."""
        is_waiting = self.state in (IntentState.PLANNED, IntentState.UNKNOWN)
        return replace(self, due_at=now, updated_at=now) if is_waiting and self.due_at > now else self

    def _delay(self, jitter: float) -> timedelta:
        """Exponential; the jitter takes off up to half."""
        full = min(_FIRST_DELAY * int(2 ** min(self.attempts - 1, 20)), _MAX_DELAY)
        return full * (0.5 + jitter / 2)


def invoice_subject(invoice_id: int) -> str:
    return f"invoice:{invoice_id}"


def customer_subject(customer_id: int) -> str:
    return f"customer:{customer_id}"


def account_subject(account_id: str) -> str:
    return f"account:{account_id}"


def receiver_subject(integration_id: int) -> str:
    return f"receiver:{integration_id}"


def platform_subject(kind: ReceiverKind) -> str:
    return f"receiver:{kind.value}"


def refund_subject(refund_id: int) -> str:
    """Each refund is a subject of its own: what keeps an invoice's refunds apart is the ledger's reservation."""
    return f"refund:{refund_id}"

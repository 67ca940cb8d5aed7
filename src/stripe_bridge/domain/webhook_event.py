"""A webhook event: one Stripe event, stored before anything else, then applied.

received ──> processing ──> processed | skipped
   ^             │
   └─ backoff ───┴────────> failed
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from stripe_bridge.domain.errors.outcomes import PayloadMalformed
from stripe_bridge.domain.replacing import replace

# What the account of the platform itself is called: `account_id` is never null.
PLATFORM = "platform"
# The members of an object that identify it and others. What they say is the same in every API version that has them.
REFERENCES = ("id", "object", "invoice", "charge", "latest_charge", "payment_intent", "customer")
MAX_PAYLOAD_BYTES = 1024 * 1024
# An event that fails for its own reasons fails for good after some hours; one that waits for Stripe is retried for as long as
# Stripe itself would deliver it: about three days.
MAX_ATTEMPTS = 15
MAX_GATEWAY_ATTEMPTS = 80
LEASE = timedelta(seconds=60)
_WILL_RETRY = "It could not be applied yet and will be tried again."
_GIVEN_UP = (
    "It could not be applied and will not be tried again unless it is replayed. The operator's logs say why."
)
_MIN_DELAY, _MAX_DELAY = timedelta(seconds=2), timedelta(hours=1)


class EventStatus(StrEnum):
    RECEIVED = "received"
    PROCESSING = "processing"
    PROCESSED = "processed"
    SKIPPED = "skipped"
    FAILED = "failed"


class SkipReason(StrEnum):
    """Why there is nothing to do for a verified event."""

    UNKNOWN_TYPE = "unknown_type"
    OTHER_ACCOUNT = "other_account"
    OTHER_LIVEMODE = "other_livemode"
    DISCONNECTED = "disconnected"
    NO_INTEGRATION = "no_integration"
    FOREIGN_OBJECT = "foreign_object"
    STILL_CONNECTED = "still_connected"
    OTHER_APPLICATION = "other_application"


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeEvent:
    """What a payload says. `account` is None for the platform's own events, `api_version` if the payload does not say.

    A *thin* one, as Stripe calls it, says what happened to which object, but not how that now looks.
    """

    id: str
    type: str
    account: str | None
    livemode: bool
    created_at: datetime
    object: Mapping[str, Any]
    api_version: str | None
    is_thin: bool = False

    def rendered_in(self, api_version: str) -> StripeEvent:
        """The event, thin if it was rendered in another API version: its content may have another shape or meaning there."""
        if self.api_version == api_version:
            return self
        # Metadata is text of our own, and what we signed in it proves itself.
        kept = {name: self.object[name] for name in (*REFERENCES, "metadata") if name in self.object}
        return replace(self, object=kept, is_thin=True)

    @property
    def object_id(self) -> str:
        """Raises PayloadMalformed if the object has none."""
        object_id = _id(self.object.get("id"))
        if object_id is None:
            raise PayloadMalformed("its object has no id")
        return object_id

    @property
    def payment_intent_id(self) -> str | None:
        """The payment intent that the object is, or belongs to."""
        return _id(
            self.object.get("id" if self.object.get("object") == "payment_intent" else "payment_intent")
        )

    @property
    def charge_id(self) -> str | None:
        """The charge that the object is, or belongs to; of a payment intent, its latest attempt."""
        if self.object.get("object") == "charge":
            return _id(self.object.get("id"))
        return _id(self.object.get("latest_charge")) or _id(self.object.get("charge"))

    @property
    def payment_method(self) -> str | None:
        """Stripe's type of what a charge was made with."""
        details = self.object.get("payment_method_details")
        return _id(details.get("type")) if isinstance(details, Mapping) else None

    @property
    def invoice_id(self) -> str | None:
        """The invoice that the object is, or names."""
        return _id(self.object.get("id" if self.object.get("object") == "invoice" else "invoice"))

    @property
    def customer_id(self) -> str | None:
        return _id(self.object.get("customer"))

    @property
    def related_object_id(self) -> str | None:
        """The id by which the event can be found: the object's own, or that of the invoice, charge … it is about."""
        if self.type.startswith("account.") and self.type != "account.updated":
            # Its object is an application, or a part of the account.
            return self.account
        return _related_object_id(self.type, self.object)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent:
    """A stored event. `account_id` is the connected account's, or `platform`.

    `payload` is None if it was not loaded, and empty if it is no longer kept.

    `due_at` is when it may be claimed: immediately, after a backoff, or when the current worker's lease ends.
    """

    id: int
    tenant_id: str | None
    integration_id: int | None
    stripe_event_id: str
    event_type: str
    account_id: str
    livemode: bool
    related_object_id: str | None
    event_created_at: datetime
    created_at: datetime
    updated_at: datetime
    due_at: datetime
    status: EventStatus = EventStatus.RECEIVED
    attempts: int = 0
    last_error: str | None = None
    skip_reason: SkipReason | None = None
    processed_at: datetime | None = None
    payload: bytes | None = field(default=None, repr=False)

    @property
    def next_attempt_at(self) -> datetime | None:
        """When its next attempt is due; None if there is none."""
        return self.due_at if self.status is EventStatus.RECEIVED else None

    @property
    def public_error(self) -> str | None:
        """What callers may know: that something went wrong, and what happens next. `last_error` itself is for operators."""
        if self.last_error is None:
            return None
        return _GIVEN_UP if self.status is EventStatus.FAILED else _WILL_RETRY

    def is_being_processed(self, now: datetime) -> bool:
        """Unless its worker died: then its lease has run out."""
        return self.status is EventStatus.PROCESSING and self.due_at > now

    @property
    def is_known_to_be_ours(self) -> bool:
        """Whether it was applied to an object of ours. Before that it may be about anything the merchant does at Stripe."""
        return self.status is EventStatus.PROCESSED

    def parse(self, read: Callable[[bytes], StripeEvent]) -> StripeEvent:
        """The event in the stored payload, which has to have been loaded. `read` does what `parse_event` does."""
        if self.payload is None:
            raise PayloadMalformed("it was not loaded")
        return read(self.payload)

    def processed(self, now: datetime) -> WebhookEvent:
        return replace(
            self,
            status=EventStatus.PROCESSED,
            processed_at=now,
            updated_at=now,
            last_error=None,
            skip_reason=None,
        )

    def skipped(self, reason: SkipReason, now: datetime) -> WebhookEvent:
        return replace(
            self,
            status=EventStatus.SKIPPED,
            skip_reason=reason,
            processed_at=now,
            updated_at=now,
            last_error=None,
        )

    def release(self, now: datetime, due_at: datetime | None = None) -> WebhookEvent:
        """Give up the claim unstarted, for others to claim now or when it is due. This does not count as an attempt."""
        return replace(
            self,
            status=EventStatus.RECEIVED,
            attempts=max(0, self.attempts - 1),
            due_at=due_at or now,
            updated_at=now,
        )

    def give_up(self, now: datetime) -> WebhookEvent:
        """Fail it: each worker that claimed it ended before finishing it."""
        error = f"Its worker ended before finishing it, {self.attempts} times."
        return replace(self, status=EventStatus.FAILED, last_error=error, updated_at=now)

    def retry_or_fail(
        self, error: str, now: datetime, *, jitter: float, max_attempts: int = MAX_ATTEMPTS
    ) -> WebhookEvent:
        """Wait for the next attempt, or fail after the last one. `jitter` in [0, 1] spreads the attempts."""
        if self.attempts >= max_attempts:
            return replace(self, status=EventStatus.FAILED, last_error=error, updated_at=now)
        delay = min(_MIN_DELAY * int(2 ** min(self.attempts - 1, 20)), _MAX_DELAY) * (0.5 + jitter / 2)
        return replace(
            self, status=EventStatus.RECEIVED, last_error=error, due_at=now + delay, updated_at=now
        )


def parse_event(payload: bytes) -> StripeEvent:
    """What a verified payload says. Raises PayloadMalformed for anything but a snapshot event of Stripe's."""
    try:
        body = json.loads(payload.decode("utf-8"))
    except UnicodeDecodeError:
        raise PayloadMalformed("not UTF-8") from None
    except (ValueError, RecursionError):
        raise PayloadMalformed("not JSON") from None
    match body:
        case {
            "id": str(id_),
            "object": "event",
            "type": str(type_),
            "created": int(created),
            "livemode": bool(livemode),
            "data": {"object": dict(object_)},
        } if id_ and not isinstance(created, bool):
            account = body.get("account")
        case _:
            raise PayloadMalformed("not an event")
    if not (is_plain(id_) and is_plain(type_) and (account is None or is_plain(account))):
        raise PayloadMalformed("not an event")
    try:
        created_at = datetime.fromtimestamp(created, UTC)
    except (ValueError, OverflowError, OSError):
        raise PayloadMalformed("not an event") from None
    return StripeEvent(
        id=id_,
        type=type_,
        account=account or None,
        livemode=livemode,
        created_at=created_at,
        object=object_,
        api_version=read_version(body.get("api_version")),
    )


def read_version(shown: object) -> str | None:
    return shown if isinstance(shown, str) and is_plain(shown) else None


def _related_object_id(event_type: str, object_: Mapping[str, Any]) -> str | None:
    if event_type.startswith(("invoice_payment.", "credit_note.")):
        return _id(object_.get("invoice"))
    if event_type.startswith(("charge.dispute.", "charge.refund.", "refund.")):
        return _id(object_.get("charge")) or _id(object_.get("payment_intent"))
    if event_type.startswith(("charge.", "invoice.", "payment_intent.")):
        # `invoice.upcoming` has no id.
        return _id(object_.get("id"))
    if event_type.startswith("checkout.session."):
        return _id(object_.get("invoice")) or _id(object_.get("payment_intent"))
    return _id(object_.get("id"))


def _id(reference: object) -> str | None:
    """An id, whether Stripe gave it bare or expanded."""
    match reference:
        case str(id_) | {"id": str(id_)} if id_ and is_plain(id_):
            return id_
    return None


def is_plain(text: object) -> bool:
    """Whether it is text that every database can store, as all of Stripe's names are."""
    return isinstance(text, str) and text.isascii() and text.isprintable()

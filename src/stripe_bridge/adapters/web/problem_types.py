"""Every problem that an operation can answer with: its type, its status, and what it means to a caller.

An operation names the exceptions that it can end with; this says how the OpenAPI document shows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from werkzeug.exceptions import (
    BadRequest,
    InternalServerError,
    ServiceUnavailable,
    UnsupportedMediaType,
)
from werkzeug.exceptions import NotFound as NothingThere

from stripe_bridge.adapters.web.problems import RequestInvalid, TooManyAttempts, problem_of, type_of
from stripe_bridge.domain.errors import base, conflicts, feed, outcomes, rules, values
from stripe_bridge.domain.refusal import Refusal
from stripe_bridge.domain.webhook_event import MAX_PAYLOAD_BYTES
from stripe_bridge.ports.identity_provider import IdentityProviderUnavailable
from stripe_bridge.ports.storage.unit_of_work import IntentUnsettled, StoreUnavailable
from stripe_bridge.ports.stripe import errors as gateway

Kind = type[Exception]

# In the order of their status; what an integrator would look up.
MEANINGS: Mapping[Kind, str] = {
    BadRequest: "The body is not JSON.",
    outcomes.SignatureInvalid: "The `Stripe-Signature` is missing, wrong or too old. Nothing was stored.",
    outcomes.PayloadMalformed: "The signed body is not a Stripe event. Nothing was stored.",
    base.Unauthenticated: "The token is missing, unknown, revoked or expired.",
    base.Forbidden: "The token is valid, but its role does not allow this.",
    base.OriginForeign: "The session was created for an origin other than the page's.",
    base.IntegrationNotFound: "There is no such integration in this tenant.",
    base.SalesOrderNotFound: "The ERP has not stored this sales order in this tenant.",
    base.InvoiceNotFound: "There is no such invoice in this tenant.",
    base.WebhookEventNotFound: "There is no such webhook event in this tenant.",
    base.SubscriberNotFound: "There is no such subscriber in this tenant.",
    base.ReplayNotFound: "There is no such replay in this tenant.",
    base.ReceiverNotFound: "The integration has no receiver of its own.",
    NothingThere: "The id in the path is not a valid id.",
    conflicts.AlreadyConnected: "The integration is connected. Disconnect it first.",
    conflicts.AuthorizationFailed: "The account was not connected; `reason` says why. Start the authorization again.",
    conflicts.OrderOutdated: "The stored copy of the order is newer, or equally new but different. Read it first.",
    conflicts.InvoiceBeingSent: "The invoice is still being sent. Try again in a moment.",
    conflicts.RequestStillRunning: "The first request with this `Idempotency-Key` is still running. Try again later.",
    conflicts.InvoiceSentRecently: "The invoice was emailed less than a minute ago. Try again later.",
    conflicts.EventBeingProcessed: "The event is being applied right now. Try again later.",
    conflicts.ReplayPlanOutdated: "The digest does not match what would be done now. Make a new plan and review it.",
    conflicts.ReplayEnded: "The replay is completed or canceled, so there is nothing left to cancel.",
    conflicts.StaleWrite: "Another request changed the same record at the same time. Try again.",
    IntentUnsettled: "An earlier call to Stripe about the same object is not settled yet. Try again in a moment.",
    conflicts.OrderBilledTwice: "Stripe has two invoices for this order. An operator must void one of them.",
    outcomes.VoidRefused: "Stripe refused to void the invoice in its current state; `stripe` says why.",
    outcomes.EmailRefused: "Stripe refused to email the invoice again; `stripe` says why. The invoice is unchanged.",
    feed.HistoryChanged: "The log is not the one that was read: the database was restored, or altered. Start over.",
    feed.CursorAhead: "The log ends before what was read: the database was restored, or altered. Start over.",
    feed.FeedExpired: "The changes that follow are no longer kept in full. Start over.",
    outcomes.PayloadTooLarge: "The body is larger than 1 MiB.",
    UnsupportedMediaType: "The body is not declared as `application/json`.",
    RequestInvalid: "Fields or parameters are missing, unknown or wrong; `errors` says which and why.",
    values.Invalid: "Both a page and a cursor were given. Give only one of them.",
    values.InvalidCursor: "The cursor is not a `next_cursor` of this list.",
    values.IdempotencyKeyReused: "The `Idempotency-Key` was used before, with a different body.",
    values.CurrencyUnknown: "Stripe does not charge in this currency.",
    values.AmountNotChargeable: "Stripe would have to round an amount in this currency.",
    values.LinesDoNotAddUp: "The lines do not sum to the total.",
    values.OriginInvalid: "The origin is not one that a browser sends, or uses http on another machine.",
    values.UserNotTokens: "The token acts for a user other than `user_id`.",
    values.UpdatedInFuture: "`updated_at` is more than a day ahead.",
    values.UrlNotAllowed: "This address is not allowed; the message says why.",
    values.ChangeTypeUnknown: "A type is neither a type of change nor a group of them.",
    values.CursorBeyondLatest: "There is no change with this number yet.",
    values.CursorPurged: "The changes after this one are no longer kept in full; the message names the oldest that is.",
    rules.TooManySubscribers: "The tenant already has five subscribers.",
    rules.ConfirmationInvalid: "The confirmation is unknown, was used before, or is older than four minutes.",
    rules.IntegrationNotConnected: "The integration is not connected to its Stripe account.",
    rules.IntegrationRestricted: "Stripe does not let the account charge yet.",
    rules.NothingOutstanding: "The order owes nothing.",
    rules.AmountOverOutstanding: "The amount is more than the order owes.",
    rules.AmountBelowMinimum: "The amount is below Stripe's minimum charge in this currency.",
    rules.EmailMissing: "Neither the request nor the order's customer has an email.",
    rules.CurrencyLocked: "The order has an invoice in another currency. Void that first.",
    rules.InvoiceNotVoidable: "The invoice is void, uncollectible or (partly) paid. What is paid can be refunded.",
    rules.InvoiceNotPayable: "The invoice is not open, so there is nothing to email.",
    rules.InvoiceRevised: "The order's invoice was edited at Stripe, which replaced it with another.",
    rules.PayloadPurged: "The event's payload is no longer kept, so it cannot be applied again.",
    rules.NothingCollected: "Nothing was collected through Stripe for this invoice.",
    rules.AmountOverRefundable: "The amount is more than may still be refunded.",
    rules.RefundBlockedByDispute: "The payment is under dispute.",
    outcomes.InvoiceRefused: "Stripe refused the invoice for good; `stripe` says why. Nothing was sent.",
    outcomes.CustomerHasBalance: "The customer's balance at Stripe changes what would be due. Set it to 0 there first.",
    outcomes.RefundNotIssued: "Stripe refused the refund for good; `stripe` says why. Nothing was refunded.",
    gateway.GatewayRefused: "Stripe refused for good; `stripe` says why.",
    gateway.ObjectMissing: "Stripe does not have the object, or no longer has it; `stripe` has its message.",
    gateway.AccessRevoked: "The account no longer grants this service access. Connect it again.",
    TooManyAttempts: "A rate limit is used up. `Retry-After` says when to try again.",
    InternalServerError: "A fault of this service. Find it in the logs by its `request_id`.",
    outcomes.InvoiceNotSent: "Stripe could not be reached, or did not answer in time. Send again: no order is billed twice.",
    outcomes.InvoiceNotVoided: "Stripe could not be reached, or did not answer in time. Void again.",
    gateway.GatewayBusy: "Stripe's rate limit is reached, or the object is locked there. Try again later.",
    gateway.GatewayMisconfigured: "Stripe does not accept this service's own key. An operator must correct it.",
    gateway.OutcomeUnknown: "Stripe did not answer, or its answer was unusable. Try again.",
    outcomes.Recovering: "The service was restored from a backup and is being reconciled. Try again later.",
    StoreUnavailable: "The database is unavailable. Try again after `Retry-After` seconds.",
    IdentityProviderUnavailable: "The ERP's identity provider is unavailable. Try again later.",
    ServiceUnavailable: "The service is overloaded. Try again after `Retry-After` seconds.",
}

# Of an operation that asks Stripe something within the request.
WHATEVER_STRIPE_SAYS: tuple[Kind, ...] = (
    gateway.GatewayRefused,
    gateway.ObjectMissing,
    gateway.AccessRevoked,
    gateway.GatewayBusy,
    gateway.GatewayMisconfigured,
    gateway.OutcomeUnknown,
)

# Problems that many operations have alike: the document has each of these once.
SHARED: Mapping[HTTPStatus, tuple[Kind, ...]] = {
    HTTPStatus.BAD_REQUEST: (BadRequest,),
    HTTPStatus.UNAUTHORIZED: (base.Unauthenticated,),
    HTTPStatus.FORBIDDEN: (base.Forbidden,),
    HTTPStatus.CONFLICT: (conflicts.RequestStillRunning, conflicts.StaleWrite),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (outcomes.PayloadTooLarge,),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: (UnsupportedMediaType,),
    HTTPStatus.UNPROCESSABLE_ENTITY: (RequestInvalid,),
    HTTPStatus.TOO_MANY_REQUESTS: (TooManyAttempts,),
    HTTPStatus.INTERNAL_SERVER_ERROR: (InternalServerError,),
    HTTPStatus.SERVICE_UNAVAILABLE: (StoreUnavailable, IdentityProviderUnavailable, ServiceUnavailable),
}

# In addition to X-Request-Id, which is on every response.
_HEADERS = {
    HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate",),
    HTTPStatus.TOO_MANY_REQUESTS: ("Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining"),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After",),
}


_VOID_REFUSED = "Invoices with `processing` payments cannot be voided"
_REFUSAL = Refusal(
    message="You cannot use a live bank account in test mode.",
    code="bank_account_unusable",
    request_id="req_Zy1Xw2Vu3Ts4Rq",
)
# One error of each kind that is not made without its data.
_SAMPLES: Mapping[Kind, Exception] = {
    type(error): error
    for error in (
        conflicts.AuthorizationFailed("code_refused"),
        conflicts.OrderOutdated(datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)),
        conflicts.OrderBilledTwice("in_1PgQ3kSecond", "in_1PgQ2xFirst"),
        conflicts.ReplayEnded("completed"),
        outcomes.VoidRefused(replace(_REFUSAL, message=_VOID_REFUSED, code=None)),
        feed.HistoryChanged("log_9Kx2", 4_211),
        feed.CursorAhead("log_9Kx2", 4_211),
        feed.FeedExpired("log_9Kx2", 4_211),
        outcomes.PayloadMalformed("not JSON"),
        outcomes.PayloadTooLarge(MAX_PAYLOAD_BYTES),
        RequestInvalid({"name": ["Missing data for required field."]}),
        values.Invalid("Give a page or a cursor, not both.", "cursor"),
        values.CurrencyUnknown("XXX"),
        values.AmountNotChargeable(9_950, "ISK", 100, "amount_in_cents"),
        values.LinesDoNotAddUp(9_900, 9_800),
        values.UrlNotAllowed("Must be an https URL."),
        values.ChangeTypeUnknown("invoice.payed"),
        values.CursorBeyondLatest(4211),
        values.CursorPurged(3001, "after"),
        rules.TooManySubscribers(5),
        rules.AmountOverOutstanding(12_000, 9_900),
        rules.AmountBelowMinimum(10, 50, "USD"),
        rules.CurrencyLocked("EUR"),
        rules.InvoiceNotVoidable("paid"),
        rules.InvoiceRevised("in_1PgQ3kSecond", is_paid=True),
        rules.AmountOverRefundable(12_000, 9_900),
        outcomes.InvoiceRefused(_REFUSAL),
        outcomes.CustomerHasBalance(balance=-500, amount=9_900, amount_due=9_400, currency="EUR"),
        outcomes.EmailRefused(_REFUSAL),
        outcomes.RefundNotIssued(_REFUSAL),
        outcomes.InvoiceNotSent(final=False, reason=""),
        outcomes.InvoiceNotVoided(final=False),
        gateway.GatewayRefused("", refusal=_REFUSAL),
        gateway.ObjectMissing("", refusal=_REFUSAL),
        gateway.AccessRevoked("", refusal=_REFUSAL),
        gateway.GatewayBusy(""),
        gateway.GatewayMisconfigured(""),
        gateway.OutcomeUnknown(""),
        TooManyAttempts(limit=1000, retry_after=12),
    )
}
_PUBLISHED_NAMES: Mapping[int, str] = {413: "REQUEST_ENTITY_TOO_LARGE", 422: "UNPROCESSABLE_ENTITY"}
_EVERYWHERE = frozenset(kind for kinds in SHARED.values() for kind in kinds) | {values.IdempotencyKeyReused}


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One line of the catalogue."""

    type: str
    status: HTTPStatus
    meaning: str


def catalogue() -> tuple[ProblemType, ...]:
    """By status, and then in the order of the table above."""
    lines = (ProblemType(type_of(kind), status_of(kind), meaning) for kind, meaning in MEANINGS.items())
    return tuple(sorted(lines, key=lambda line: line.status))


def describe_types() -> dict[str, str]:
    """What each type means, with its statuses: `about:blank` has several."""
    described: dict[str, list[str]] = {}
    for line in catalogue():
        described.setdefault(line.type, []).append(f"{int(line.status)}: {line.meaning}")
    return {type_: " ".join(described[type_]) for type_ in sorted(described)}


def status_of(kind: Kind) -> HTTPStatus:
    return problem_of(_sample(kind))[0].status


def by_status(kinds: Iterable[Kind]) -> dict[HTTPStatus, tuple[Kind, ...]]:
    """The kinds under the status that each is answered with. Those that are not everywhere come first."""
    given = frozenset(kinds)
    assert given <= MEANINGS.keys(), f"Without a meaning: {given - MEANINGS.keys()}"
    found: dict[HTTPStatus, tuple[Kind, ...]] = {}
    for kind in sorted((kind for kind in MEANINGS if kind in given), key=_EVERYWHERE.__contains__):
        status = status_of(kind)
        found[status] = (*found.get(status, ()), kind)
    return dict(sorted(found.items()))


def response_of(status: HTTPStatus, kinds: tuple[Kind, ...]) -> dict[str, Any] | str:
    """The response object of an operation that can end so; if many can, the name of the one that they share."""
    return name_of(status) if SHARED.get(status) == kinds else describe_response(status, kinds)


def name_of(status: HTTPStatus) -> str:
    """Of a shared response in the document: published, whatever a later Python calls the status."""
    return _PUBLISHED_NAMES.get(status, status.name)


def describe_response(status: HTTPStatus, kinds: tuple[Kind, ...]) -> dict[str, Any]:
    """What each type means, which types there are, and one example."""
    types = list(dict.fromkeys(type_of(kind) for kind in kinds))
    narrowed = {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": types},
            "status": {"type": "integer", "const": int(status)},
        },
        "required": ["type", "status"],
    }
    described: dict[str, Any] = {
        "description": _describe(kinds),
        "content": {
            "application/problem+json": {
                # In this order the page shows these types, and not all that there are.
                "schema": {"allOf": [narrowed, {"$ref": "#/components/schemas/Problem"}]},
                "example": _example(kinds[0]),
            }
        },
    }
    if status in _HEADERS:
        described["headers"] = {name: {"schema": {"type": "string"}} for name in _HEADERS[status]}
    return described


def _describe(kinds: tuple[Kind, ...]) -> str:
    if len(kinds) == 1:
        return MEANINGS[kinds[0]]
    return "\n".join(f"- `{type_of(kind).rpartition(':')[2]}`: {MEANINGS[kind]}" for kind in kinds)


def _example(kind: Kind) -> dict[str, Any]:
    return {**problem_of(_sample(kind))[1], "request_id": "0b5e8c1d9f7a4e2ab6c3d8e1f0a9b7c5"}


def _sample(kind: Kind) -> Exception:
    return _SAMPLES.get(kind) or kind()

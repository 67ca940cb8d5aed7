"""Every failure as one RFC 9457 body. The table below is the only place where errors meet status codes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from flask import Flask, Response, g, json
from werkzeug.exceptions import HTTPException

from stripe_bridge.domain.errors.base import BridgeError, Forbidden, NotFound, Unauthenticated
from stripe_bridge.domain.errors.conflicts import AuthorizationFailed, Conflict
from stripe_bridge.domain.errors.feed import FeedExpired, FeedRefused
from stripe_bridge.domain.errors.outcomes import (
    CustomerHasBalance,
    InvoiceNotSent,
    InvoiceNotVoided,
    InvoiceRefused,
    PayloadTooLarge,
    Recovering,
    RefundNotIssued,
    VoidRefused,
    WebhookRejected,
)
from stripe_bridge.domain.errors.rules import Refused
from stripe_bridge.domain.errors.values import Invalid
from stripe_bridge.domain.refusal import Refusal, dump_refusal
from stripe_bridge.domain.webhook_event import MAX_PAYLOAD_BYTES
from stripe_bridge.ports.deliveries import NotDelivered
from stripe_bridge.ports.identity_provider import IdentityProviderUnavailable
from stripe_bridge.ports.nudges import BrokerUnavailable
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from stripe_bridge.ports.stripe.errors import GatewayError, GatewayRefused
from stripe_bridge.ports.stripe.snapshots import SnapshotUnreadable
from stripe_bridge.ports.vault import SealBroken

_log = logging.getLogger(__name__)
_RETRY_SOON = {"Retry-After": "5"}
# An operator has to do something first.
_RETRY_LATER = {"Retry-After": "300"}


@dataclass(frozen=True, slots=True)
class Row:
    status: HTTPStatus
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        # Python's own phrases for these are those of an older RFC.
        return _TITLES.get(self.status, self.status.phrase)


# An error without a row of its own uses that of its nearest ancestor. The message of a 500 is never shown.
TABLE: Mapping[type[BridgeError], Row] = {
    Unauthenticated: Row(HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": "Bearer"}),
    Forbidden: Row(HTTPStatus.FORBIDDEN),
    NotFound: Row(HTTPStatus.NOT_FOUND),
    Invalid: Row(HTTPStatus.UNPROCESSABLE_ENTITY),
    Refused: Row(HTTPStatus.UNPROCESSABLE_ENTITY),
    Conflict: Row(HTTPStatus.CONFLICT),
    FeedRefused: Row(HTTPStatus.CONFLICT),
    FeedExpired: Row(HTTPStatus.GONE),
    WebhookRejected: Row(HTTPStatus.BAD_REQUEST),
    PayloadTooLarge: Row(HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    InvoiceNotSent: Row(HTTPStatus.BAD_GATEWAY),
    InvoiceRefused: Row(HTTPStatus.UNPROCESSABLE_ENTITY),
    CustomerHasBalance: Row(HTTPStatus.UNPROCESSABLE_ENTITY),
    InvoiceNotVoided: Row(HTTPStatus.BAD_GATEWAY),
    VoidRefused: Row(HTTPStatus.CONFLICT),
    RefundNotIssued: Row(HTTPStatus.UNPROCESSABLE_ENTITY),
    GatewayError: Row(HTTPStatus.BAD_GATEWAY),
    GatewayRefused: Row(HTTPStatus.UNPROCESSABLE_ENTITY),
    NotDelivered: Row(HTTPStatus.BAD_GATEWAY),
    Recovering: Row(HTTPStatus.SERVICE_UNAVAILABLE, _RETRY_LATER),
    StoreUnavailable: Row(HTTPStatus.SERVICE_UNAVAILABLE, _RETRY_SOON),
    BrokerUnavailable: Row(HTTPStatus.SERVICE_UNAVAILABLE, _RETRY_SOON),
    IdentityProviderUnavailable: Row(HTTPStatus.SERVICE_UNAVAILABLE, _RETRY_SOON),
    SealBroken: Row(HTTPStatus.INTERNAL_SERVER_ERROR),
    SnapshotUnreadable: Row(HTTPStatus.INTERNAL_SERVER_ERROR),
}
# The present state, for readers of the feed that start over.
LISTS = (
    "/api/stripe/integrations",
    "/api/stripe/integrations/{integration_id}/invoices",
    "/api/stripe/invoices/{invoice_id}/refunds",
)
_UNFORESEEN = Row(HTTPStatus.INTERNAL_SERVER_ERROR)
_UNFORESEEN_MESSAGE = "Something went wrong on our side; the request id finds it in our logs."
# Types are published: an error that is renamed keeps the one that callers know.
_PUBLISHED_NAMES = {"PayloadPurged": "PayloadForgotten", "InvalidCursor": "CursorBroken"}
_TITLES = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content",
}
_NO_MEMBERS: Mapping[str, Any] = MappingProxyType({})
_MESSAGES = {
    HTTPStatus.BAD_REQUEST: "The request is malformed.",
    HTTPStatus.NOT_FOUND: "There is nothing at this address.",
    HTTPStatus.METHOD_NOT_ALLOWED: "The method is not allowed at this address.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: PayloadTooLarge(MAX_PAYLOAD_BYTES).message,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body must be application/json.",
}


class RequestInvalid(Exception):
    """The request does not have the required shape. `errors` has what is wrong with each field."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__("The given data was invalid.")
        self.errors = errors


class TooManyAttempts(Exception):
    """A rate limit is used up."""

    def __init__(self, *, limit: int, retry_after: int) -> None:
        super().__init__("Too Many Attempts.")
        self.limit, self.retry_after = limit, retry_after


def row_of(error: type[BridgeError]) -> Row | None:
    """The error's row, or that of its nearest ancestor which has one."""
    return next((TABLE[ancestor] for ancestor in error.__mro__ if ancestor in TABLE), None)


def register_error_handlers(app: Flask) -> None:
    """Answer whatever is raised while serving a request."""
    app.register_error_handler(BridgeError, _refusal)
    app.register_error_handler(RequestInvalid, _request_invalid)
    app.register_error_handler(TooManyAttempts, _too_many_attempts)
    app.register_error_handler(HTTPException, http_problem)
    app.register_error_handler(Exception, _internal_error)


def http_problem(error: HTTPException) -> Response:
    """A problem that the framework found."""
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    headers = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
    message = _MESSAGES.get(status, f"{status.phrase}.")
    return _problem(Row(status, headers), "about:blank", message)


def _refusal(error: BridgeError) -> Response:
    row = row_of(type(error)) or _UNFORESEEN
    if row.status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return _internal_error(error)
    if row.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        reason = getattr(error, "reason", error.message)
        _log.warning("request failed", extra={"error": type(error).__name__, "reason": reason})
    is_of_a_field = row.status is HTTPStatus.UNPROCESSABLE_ENTITY and error.field is not None
    errors = {str(error.field): [error.message]} if is_of_a_field else None
    return _problem(row, _type_of(error), error.message, errors=errors, more=_members_of(error))


def _members_of(error: BridgeError) -> Mapping[str, Any]:
    """What only some problems have."""
    members: dict[str, Any] = {}
    if isinstance(error, AuthorizationFailed | FeedRefused):
        members["reason"] = error.reason
    if isinstance(error, FeedRefused):
        members |= {"log": error.log, "restart_after": error.restart_after, "read_first": list(LISTS)}
    refusal: Refusal | None = getattr(error, "refusal", None)
    if refusal is not None:
        members["stripe"] = dump_refusal(refusal)
    return members


def _request_invalid(error: RequestInvalid) -> Response:
    field_name, faults = next(iter(error.errors.items()))
    return _problem(
        TABLE[Invalid],
        _type_of(error),
        str(error),
        detail=f"{field_name}: {faults[0]}",
        errors=error.errors,
    )


def _too_many_attempts(error: TooManyAttempts) -> Response:
    headers = {
        "Retry-After": str(error.retry_after),
        "X-RateLimit-Limit": str(error.limit),
        "X-RateLimit-Remaining": "0",
    }
    status = HTTPStatus.TOO_MANY_REQUESTS
    return _problem(Row(status, headers), _type_of(error), str(error))


def _internal_error(error: Exception) -> Response:
    _log.error("request failed", exc_info=error)
    return _problem(_UNFORESEEN, "about:blank", _UNFORESEEN_MESSAGE)


def _type_of(error: Exception) -> str:
    """`urn:stripe-bridge:problem:IntegrationNotConnected`: for programs, which should not parse messages."""
    name = type(error).__name__
    return f"urn:stripe-bridge:problem:{_PUBLISHED_NAMES.get(name, name)}"


def _problem(
    row: Row,
    type_: str,
    message: str,
    *,
    detail: str | None = None,
    errors: Mapping[str, list[str]] | None = None,
    more: Mapping[str, Any] = _NO_MEMBERS,
) -> Response:
    body: dict[str, Any] = {
        "type": type_,
        "title": row.title,
        "status": int(row.status),
        "detail": detail or message,
        "message": message,
    }
    if errors is not None:
        body["errors"] = errors
    body |= more
    body["request_id"] = g.get("request_id")
    return Response(
        json.dumps(body),
        status=row.status,
        headers=dict(row.headers),
        content_type="application/problem+json",
    )

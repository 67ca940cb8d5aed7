"""Every failure as one RFC 9457 body. The table below is the only place where errors meet status codes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, json
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from stripe_bridge.domain.errors.base import BridgeError, Forbidden, NotFound, OriginForeign, Unauthenticated
from stripe_bridge.domain.errors.conflicts import AuthorizationFailed, Conflict
from stripe_bridge.domain.errors.feed import FeedExpired, FeedRefused
from stripe_bridge.domain.errors.outcomes import (
    CustomerHasBalance,
    EmailRefused,
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


# An error without a row of its own uses that of its nearest ancestor. The message of a 500 is never shown.
TABLE: Mapping[type[BridgeError], Row] = {
    Unauthenticated: Row(HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": "Bearer"}),
    OriginForeign: Row(HTTPStatus.FORBIDDEN),
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
    EmailRefused: Row(HTTPStatus.CONFLICT),
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
_BLANK = "about:blank"
_UNFORESEEN_MESSAGE = "Something went wrong on our side. The request id identifies it in our logs."
# Types are published: an error that is renamed keeps the one that callers know.
_PUBLISHED_NAMES = {"PayloadPurged": "PayloadForgotten", "InvalidCursor": "CursorBroken"}
_TITLES = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content",
}
_MESSAGES = {
    HTTPStatus.BAD_REQUEST: "The request is malformed.",
    HTTPStatus.NOT_FOUND: "There is nothing at this address.",
    HTTPStatus.METHOD_NOT_ALLOWED: "The method is not allowed at this address.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body must be application/json.",
    HTTPStatus.INTERNAL_SERVER_ERROR: _UNFORESEEN_MESSAGE,
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
    for kind in (BridgeError, RequestInvalid, TooManyAttempts, HTTPException, Exception):
        app.register_error_handler(kind, answer_problem)


def answer_problem(error: Exception) -> Response:
    """Whatever was raised, as a response."""
    if isinstance(error, RequestEntityTooLarge):
        # The framework finds by the declared length what we find by the bytes: to a caller it is the same.
        error = PayloadTooLarge(MAX_PAYLOAD_BYTES)
    row, body = problem_of(error)
    if not isinstance(error, HTTPException):
        log_failure(error, row.status)
    return Response(
        json.dumps({**body, "request_id": g.get("request_id")}),
        status=row.status,
        headers=dict(row.headers),
        content_type="application/problem+json",
    )


def problem_of(error: Exception) -> tuple[Row, dict[str, Any]]:
    """Its row, and its body but for the request's id."""
    row = _row_of(error)
    message = _message_of(error, row.status)
    body: dict[str, Any] = {
        "type": type_of(type(error)),
        "title": title_of(row.status),
        "status": int(row.status),
        "detail": message,
        "message": message,
    }
    if row.status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return row, {**body, "type": _BLANK}
    if isinstance(error, RequestInvalid):
        field_name, faults = next(iter(error.errors.items()))
        body |= {"detail": f"{field_name}: {faults[0]}", "errors": error.errors}
    if isinstance(error, BridgeError):
        body |= _details_of(error, row.status)
    return row, body


def title_of(status: HTTPStatus) -> str:
    # Python's own phrases for these are those of an older RFC.
    return _TITLES.get(status, status.phrase)


def type_of(kind: type[Exception]) -> str:
    """`urn:stripe-bridge:problem:IntegrationNotConnected`: for programs, which should not parse messages."""
    if issubclass(kind, HTTPException):
        return _BLANK
    return f"urn:stripe-bridge:problem:{_PUBLISHED_NAMES.get(kind.__name__, kind.__name__)}"


def _row_of(error: Exception) -> Row:
    if isinstance(error, BridgeError):
        return row_of(type(error)) or _UNFORESEEN
    if isinstance(error, RequestInvalid):
        return TABLE[Invalid]
    if isinstance(error, TooManyAttempts):
        headers = {
            "Retry-After": str(error.retry_after),
            "X-RateLimit-Limit": str(error.limit),
            "X-RateLimit-Remaining": "0",
        }
        return Row(HTTPStatus.TOO_MANY_REQUESTS, headers)
    if isinstance(error, HTTPException):
        headers = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
        return Row(HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR), headers)
    return _UNFORESEEN


def _message_of(error: Exception, status: HTTPStatus) -> str:
    if isinstance(error, HTTPException):
        return _MESSAGES.get(status, f"{status.phrase}.")
    return _UNFORESEEN_MESSAGE if status is HTTPStatus.INTERNAL_SERVER_ERROR else str(error)


def _details_of(error: BridgeError, status: HTTPStatus) -> dict[str, Any]:
    details: dict[str, Any] = {}
    if status is HTTPStatus.UNPROCESSABLE_ENTITY and error.field is not None:
        details["errors"] = {error.field: [error.message]}
    if isinstance(error, AuthorizationFailed | FeedRefused):
        details["reason"] = error.reason
    if isinstance(error, FeedRefused):
        details |= {"log": error.log, "restart_after": error.restart_after, "read_first": list(LISTS)}
    refusal: Refusal | None = getattr(error, "refusal", None)
    if refusal is not None:
        details["stripe"] = dump_refusal(refusal)
    return details


def log_failure(error: Exception, status: HTTPStatus) -> None:
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("request failed", exc_info=error)
    elif isinstance(error, BridgeError) and status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        reason = getattr(error, "reason", error.message)
        _log.warning("request failed", extra={"error": type(error).__name__, "reason": reason})

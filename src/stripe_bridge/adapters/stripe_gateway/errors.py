"""How the SDK's exceptions become our errors: one table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import stripe
from stripe import oauth_error

from stripe_bridge.domain.refusal import Refusal
from stripe_bridge.ports.stripe.errors import (
    AccessRevoked,
    GatewayBusy,
    GatewayError,
    GatewayMisconfigured,
    GatewayRefused,
    KeySpent,
    ObjectMissing,
    OutcomeUnknown,
)


class Row(NamedTuple):
    """`code` None means any code."""

    raised: type[Exception]
    code: str | None
    ours: type[GatewayError]


# The first matching row counts. An exception that matches none, the SDK's or not, leaves the outcome unknown.
_TABLE = (
    # A lock may be refused with a status that the SDK has no class for.
    Row(stripe.StripeError, "lock_timeout", GatewayBusy),
    Row(stripe.RateLimitError, None, GatewayBusy),
    # A call with this key is still under way.
    Row(stripe.IdempotencyError, "idempotency_key_in_use", OutcomeUnknown),
    # The key was used with another body, as by a release that wrote it differently.
    Row(stripe.IdempotencyError, None, KeySpent),
    Row(stripe.InvalidRequestError, "resource_missing", ObjectMissing),
    Row(stripe.InvalidRequestError, None, GatewayRefused),
    Row(stripe.CardError, None, GatewayRefused),
    Row(stripe.PermissionError, "account_invalid", AccessRevoked),
    Row(stripe.PermissionError, None, GatewayRefused),
    Row(stripe.AuthenticationError, None, GatewayMisconfigured),
    Row(oauth_error.InvalidClientError, None, GatewayMisconfigured),
    Row(oauth_error.OAuthError, None, GatewayRefused),
    # 5xx, 409, a body that is no JSON; time-outs and cut connections.
    Row(stripe.APIError, None, OutcomeUnknown),
    Row(stripe.APIConnectionError, None, OutcomeUnknown),
)

TOKEN_REVOKED = Row(stripe.AuthenticationError, None, AccessRevoked)
"""For a call made with an account's own token: it is the token that is refused, not our key."""

# Secret and restricted keys, OAuth codes and refresh tokens, signing secrets: Stripe's texts quote them.
_SECRET = re.compile(r"\b(sk|rk|pk|ac|rt|whsec)_[\w*]+")
_MAX_REASON = 500
_REPLAYED = "Idempotent-Replayed"


@contextmanager
def translate_errors(*rows: Row) -> Iterator[None]:
    """Raise GatewayError for whatever goes wrong inside; `rows` take precedence over the table.

    Causes are dropped, since their messages and bodies may contain secrets.
    """
    try:
        yield
    except GatewayError:
        raise
    except stripe.StripeError as error:
        raise _to_gateway_error(error, (*rows, *_TABLE)) from None
    except Exception as error:
        # The SDK itself breaks on some answers (an OAuth error it does not know, a body that is not UTF-8),
        # and an answer that we cannot read may still have had its effect.
        raise OutcomeUnknown(_reason(f"{type(error).__name__}: {error}")) from None


def _to_gateway_error(error: stripe.StripeError, rows: tuple[Row, ...]) -> GatewayError:
    code, message = _code(error), _reason(error.user_message or type(error).__name__)
    reason = message
    if error.request_id is not None:
        # Stripe's own logs, and its support, find the call by it.
        reason = f"{message} (Stripe's request {error.request_id})"
    kind = _kind(error, code, rows)
    if issubclass(kind, GatewayRefused):
        log_url = getattr(error.error, "request_log_url", None)
        refusal = Refusal(
            message=message,
            code=code,
            request_id=error.request_id,
            request_log_url=_reason(log_url) if isinstance(log_url, str) else None,
        )
        return kind(reason, code=code, param=getattr(error, "param", None), refusal=refusal)
    return kind(reason, code=code)


def _kind(error: stripe.StripeError, code: str | None, rows: tuple[Row, ...]) -> type[GatewayError]:
    if (error.http_status or 0) < 500:
        return next((row.ours for row in rows if _fits(row, error, code)), OutcomeUnknown)
    # A 5xx proves nothing, whatever class or code the SDK reads into it; but one that is replayed will be replayed again.
    is_replayed = str((error.headers or {}).get(_REPLAYED)).lower() == "true"
    return KeySpent if is_replayed else OutcomeUnknown


def _fits(row: Row, error: stripe.StripeError, code: str | None) -> bool:
    return isinstance(error, row.raised) and row.code in (None, code)


def _code(error: stripe.StripeError) -> str | None:
    """The SDK gives the code only to some of its classes; the body has it."""
    code = error.code or getattr(error.error, "code", None)
    return code if isinstance(code, str) else None


def _reason(message: object) -> str:
    """Without secrets, and short: the SDK may quote a proxy's whole error page."""
    return _SECRET.sub(r"\1_[redacted]", str(message))[:_MAX_REASON]

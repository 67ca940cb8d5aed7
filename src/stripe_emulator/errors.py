"""The API's refusals, in Stripe's words and shape."""

from dataclasses import dataclass, field
from typing import Any

from stripe_emulator.identifiers import redacted_key

Json = dict[str, Any]


@dataclass
class StripeError(Exception):
    """An error answer.

    `is_validation`: Stripe answers it before it executes the call, and so never stores it under the idempotency
    key. `keeps_changes`: the call has a lasting effect all the same, such as a declined payment.
    """

    message: str
    status: int = 400
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None
    details: Json = field(default_factory=dict)
    is_validation: bool = False
    keeps_changes: bool = False

    def body(self) -> Json:
        """The JSON body of the answer; like Stripe, it leaves out what is not known."""
        error: Json = {"message": self.message, "type": self.type, **self.details}
        if self.code:
            error |= {"code": self.code, "doc_url": doc_url(self.code)}
        if self.param:
            error["param"] = self.param
        return {"error": error}


def doc_url(code: str) -> str:
    """Stripe's page about an error code."""
    return f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"


class EmulatorClosed(ConnectionError):
    """The emulator has stopped. A server treats this like a client that went away, and answers nothing."""


def invalid(message: str, param: str | None = None, code: str | None = None) -> StripeError:
    """A refusal because of a resource's rules."""
    return StripeError(message, param=param, code=code)


def malformed(message: str, param: str | None = None, code: str | None = None) -> StripeError:
    """A refusal of malformed parameters."""
    return StripeError(message, param=param, code=code, is_validation=True)


def missing_param(name: str) -> StripeError:
    """A required parameter is missing."""
    return malformed(f"Missing required param: {name}.", name, "parameter_missing")


def no_access(key: str, account: str) -> StripeError:
    """Stripe's answer to a platform about an account that is not connected, or does not exist."""
    message = (
        f"The provided key '{redacted_key(key)}' does not have access to account '{account}' (or that account does "
        "not exist). Application access may have been revoked."
    )
    return StripeError(message, status=403, code="account_invalid", is_validation=True)


def no_such(noun: str, object_id: str, param: str, status: int = 404) -> StripeError:
    """An id that does not exist in this account: 404 in a path, mostly 400 in a body."""
    return StripeError(f"No such {noun}: '{object_id}'", status=status, code="resource_missing", param=param)

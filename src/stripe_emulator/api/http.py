"""The HTTP side of a call: faults, the headers of the response, the wire log."""

import os
from collections.abc import Callable

import stripe
from werkzeug.wrappers import Request, Response

from stripe_emulator.api.call import Answer
from stripe_emulator.emulator import Emulator
from stripe_emulator.errors import StripeError
from stripe_emulator.identifiers import new_id
from stripe_emulator.misbehavior import Faults

CRASH_STATUS = 86


class ConnectionCut(ConnectionError):
    """Raised to close the connection without an answer."""


# Makes the call, given the request's id and its faults.
Run = Callable[[str, Faults], Answer]


def respond(emulator: Emulator, request: Request, run: Run) -> Response:
    """Make a call with the faults of the misbehavior in force, and record it in the wire log."""
    body = request.get_data(as_text=True)
    path = request.full_path.rstrip("?")
    headers = dict(request.headers)
    request_id = new_id("req")
    with emulator.lock:
        faults = emulator.misbehavior.faults(request.method, request.path)
    try:
        answer = _answer(request_id, faults, run)
        _break_off(faults, "after")
    except ConnectionCut:
        emulator.wire_log.add(request.method, path, headers, body, 0, None)
        raise
    emulator.wire_log.add(request.method, path, headers, body, answer.status, answer.body)
    answer.headers |= {"Request-Id": request_id, "Stripe-Version": stripe.api_version}
    if "Idempotency-Key" in request.headers and request.method == "POST":
        answer.headers["Idempotency-Key"] = request.headers["Idempotency-Key"]
    return Response(answer.body, answer.status, answer.headers, content_type="application/json")


def _answer(request_id: str, faults: Faults, run: Run) -> Answer:
    _break_off(faults, "before")
    try:
        if faults.effect in REFUSALS:
            raise REFUSALS[faults.effect]()
        return run(request_id, faults)
    except StripeError as error:
        return Answer.of(error.status, error.body(), _advice(error, faults))


def _advice(error: StripeError, faults: Faults) -> dict[str, str]:
    """What the answer says of trying again. Whether a 429 for the rate says so too is not recorded."""
    if error.code == "rate_limit" and faults.rule:
        return {"Stripe-Rate-Limited-Reason": faults.rule.reason}
    return {"Stripe-Should-Retry": "true"} if error.code == "lock_timeout" else {}


def _break_off(faults: Faults, moment: str) -> None:
    if faults.effect == f"cut_{moment}":
        raise ConnectionCut
    if faults.effect == f"crash_{moment}":
        os._exit(CRASH_STATUS)


def _rate_limited() -> StripeError:
    return StripeError(
        "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
        status=429,
        code="rate_limit",
    )


def _locked() -> StripeError:
    return StripeError(
        "This object cannot be accessed right now because another API request or Stripe process is currently "
        "accessing it. If you see this error intermittently, retry the request. If you see this error frequently "
        "and are making multiple concurrent requests to a single object, make your requests serially or at a lower "
        "rate.",
        status=429,
        code="lock_timeout",
    )


def server_error() -> Answer:
    """Stripe's 500."""
    error = StripeError("An unknown error occurred", status=500, type="api_error")
    return Answer.of(500, error.body())


def _forbidden() -> StripeError:
    """As to a restricted key. Not recorded: the words, of which Stripe's name the permission."""
    return StripeError(
        "The provided key does not have the required permissions for this endpoint.", status=403
    )


REFUSALS: dict[str, Callable[[], StripeError]] = {
    "rate_limit": _rate_limited,
    "lock_timeout": _locked,
    "forbidden": _forbidden,
}

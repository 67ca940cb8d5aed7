"""Whatever Stripe answers, and however its SDK fails, the result is one of our errors, without secrets."""

import inspect
import logging
import traceback
from collections.abc import Callable

import pytest
import stripe
from stripe import oauth_error

from stripe_bridge.adapters.stripe_gateway.connect import StripeConnectGateway
from stripe_bridge.adapters.stripe_gateway.errors import translate_errors
from stripe_bridge.adapters.stripe_gateway.invoices import StripeInvoiceGateway
from stripe_bridge.adapters.stripe_gateway.receivers import StripeReceiverGateway
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
from stripe_bridge.ports.vault import SealBroken
from tests.adapters.stripe_gateway.scripted_stripe import SECRET_KEY, Answer, Cut, Hang, ScriptedStripe

TOKEN = "sk_test_account9876543210"
CODE = "ac_S3cret"
SECRETS = (SECRET_KEY, TOKEN, CODE, "whsec_S3cret")

# Each class of the SDK, as raised without a status or a code. The rest are of API v2, which we never call.
EXPECTED: dict[type[stripe.StripeError], type[GatewayError]] = {
    stripe.StripeError: OutcomeUnknown,
    stripe.APIError: OutcomeUnknown,
    stripe.APIConnectionError: OutcomeUnknown,
    stripe.IdempotencyError: KeySpent,
    stripe.SignatureVerificationError: OutcomeUnknown,
    stripe.RateLimitError: GatewayBusy,
    stripe.AuthenticationError: GatewayMisconfigured,
    stripe.PermissionError: GatewayRefused,
    stripe.InvalidRequestError: GatewayRefused,
    stripe.CardError: GatewayRefused,
    oauth_error.OAuthError: GatewayRefused,
    oauth_error.InvalidClientError: GatewayMisconfigured,
    oauth_error.InvalidGrantError: GatewayRefused,
    oauth_error.InvalidRequestError: GatewayRefused,
    oauth_error.InvalidScopeError: GatewayRefused,
    oauth_error.UnsupportedGrantTypeError: GatewayRefused,
    oauth_error.UnsupportedResponseTypeError: GatewayRefused,
}


def every_class(root: type[stripe.StripeError]) -> set[type[stripe.StripeError]]:
    return {root}.union(*(every_class(child) for child in root.__subclasses__()))


def raised(kind: type[stripe.StripeError]) -> stripe.StripeError:
    """An error of this class, whatever arguments its constructor requires."""
    wanted = list(inspect.signature(kind.__init__).parameters.values())[1:]
    return kind(*(None for each in wanted if each.default is inspect.Parameter.empty))


@pytest.mark.parametrize("kind", sorted(every_class(stripe.StripeError), key=str), ids=str)
def test_every_exception_of_the_sdk_becomes_one_of_ours(kind: type[stripe.StripeError]):
    with pytest.raises(GatewayError) as caught, translate_errors():
        raise raised(kind)

    assert type(caught.value) is EXPECTED.get(kind, OutcomeUnknown)


def error(**body: str) -> dict[str, object]:
    return {"error": {"type": "invalid_request_error", "message": "No.", **body}}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, error(), GatewayRefused),
        (400, error(code="resource_missing", param="customer"), ObjectMissing),
        (400, error(code="rate_limit"), GatewayBusy),
        (400, error(code="lock_timeout"), GatewayBusy),
        (400, error(type="idempotency_error"), KeySpent),
        (401, error(), GatewayMisconfigured),
        (402, error(type="card_error", code="card_declined"), GatewayRefused),
        (403, error(), GatewayRefused),
        (403, error(code="account_invalid"), AccessRevoked),
        (404, error(), GatewayRefused),
        (404, error(code="resource_missing"), ObjectMissing),
        (409, error(type="idempotency_error", code="idempotency_key_in_use"), OutcomeUnknown),
        (409, error(code="lock_timeout"), GatewayBusy),
        (418, error(), OutcomeUnknown),
        (429, error(code="lock_timeout"), GatewayBusy),
        (429, error(), GatewayBusy),
        (500, error(type="api_error"), OutcomeUnknown),
        (500, error(code="resource_missing"), OutcomeUnknown),
        (503, error(code="lock_timeout"), OutcomeUnknown),
        (503, {"error": "invalid_grant"}, OutcomeUnknown),
    ],
)
def test_an_answer_means_the_same_for_a_change_and_a_lookup(
    stripe_says: ScriptedStripe, status: int, body: object, kind: type[GatewayError]
):
    gateway = StripeInvoiceGateway(stripe_says.access())
    answer = Answer(status, body, {"Request-Id": "req_1"})
    stripe_says.will(answer, answer)

    for call in (lambda: gateway.void("acct_1", "in_1", "key"), lambda: gateway.invoice("acct_1", "in_1")):
        with pytest.raises(GatewayError) as caught:
            call()
        assert type(caught.value) is kind
        assert caught.value.reason.endswith("(Stripe's request req_1)")


@pytest.mark.parametrize("replayed", ["true", None])
def test_a_failure_that_stripe_replays_says_that_the_key_is_spent(
    stripe_says: ScriptedStripe, replayed: str | None
):
    headers = {} if replayed is None else {"Idempotent-Replayed": replayed}
    stripe_says.will(Answer(500, error(type="api_error"), headers))

    with pytest.raises(OutcomeUnknown) as caught:
        StripeInvoiceGateway(stripe_says.access()).void("acct_1", "in_1", "key")

    assert isinstance(caught.value, KeySpent) is (replayed is not None)


def test_a_refusal_carries_code_param_and_reason(stripe_says: ScriptedStripe):
    body = error(code="parameter_invalid_integer", param="lines[0][amount]", message="Invalid integer: x")
    stripe_says.will(Answer(400, body))

    with pytest.raises(GatewayRefused) as caught:
        StripeInvoiceGateway(stripe_says.access()).void("acct_1", "in_1", "key")

    refused = caught.value
    reported = (refused.code, refused.param, refused.reason)
    assert reported == ("parameter_invalid_integer", "lines[0][amount]", "Invalid integer: x")


def test_a_code_is_read_where_the_sdk_drops_it(stripe_says: ScriptedStripe):
    stripe_says.will(Answer(429, error(code="lock_timeout")))

    with pytest.raises(GatewayBusy) as caught:
        StripeInvoiceGateway(stripe_says.access()).void("acct_1", "in_1", "key")

    assert caught.value.code == "lock_timeout"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b""),
        Answer(200, b"{"),
        Answer(200, b"\xff\xfe"),
        Answer(400, b"\xff\xfe"),
        Answer(200, b"null"),
        Answer(200, []),
        Answer(200, {}),
        Answer(200, {"id": "in_1", "object": "invoice", "status": "frozen"}),
        Answer(400, b"null"),
        Answer(504, b"<html>Gateway Time-out</html>"),
        Answer(400, []),
        Answer(400, {"error": None}),
        Answer(400, {"error": "made_up"}),
        Answer(200, b"{}", {"Content-Length": "9"}),
        Answer(200, b"{}", {"Content-Encoding": "gzip"}),
        Answer(302, b"", {"Location": "http://127.0.0.1:1/"}),
        Cut(),
    ],
)
def test_an_answer_that_cannot_be_read_proves_nothing(stripe_says: ScriptedStripe, answer: Answer | Cut):
    stripe_says.will(answer)

    with pytest.raises(OutcomeUnknown):
        StripeInvoiceGateway(stripe_says.access()).void("acct_1", "in_1", "key")


def test_a_refusal_in_odd_words_is_still_a_refusal(stripe_says: ScriptedStripe):
    stripe_says.will(Answer(400, {"error": {"message": ["odd"], "code": {"odd": 1}, "param": 2}}))

    with pytest.raises(GatewayRefused) as caught:
        StripeInvoiceGateway(stripe_says.access()).void("acct_1", "in_1", "key")

    assert (caught.value.reason, caught.value.code) == ("['odd']", None)


def test_a_reason_is_short_enough_to_store(stripe_says: ScriptedStripe):
    stripe_says.will(Answer(502, b"<html>" + b"!" * 100_000))

    with pytest.raises(OutcomeUnknown) as caught:
        StripeInvoiceGateway(stripe_says.access()).void("acct_1", "in_1", "key")

    assert len(caught.value.reason) <= 500


def test_a_stripe_that_does_not_answer_is_given_up_in_time(stripe_says: ScriptedStripe):
    stripe_says.will(Hang())

    with pytest.raises(OutcomeUnknown):
        StripeInvoiceGateway(stripe_says.access(read_timeout=0.1)).void("acct_1", "in_1", "key")


def test_an_unreachable_stripe_leaves_the_outcome_unknown(stripe_says: ScriptedStripe):
    nobody = stripe_says.access(api_base="http://127.0.0.1:1")

    with pytest.raises(OutcomeUnknown):
        StripeInvoiceGateway(nobody).void("acct_1", "in_1", "key")


def test_interrupts_pass_untouched():
    with pytest.raises(KeyboardInterrupt), translate_errors():
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (
            400,
            {"error": "invalid_grant", "error_description": "Code ac_S3cret does not exist"},
            GatewayRefused,
        ),
        (401, {"error": "invalid_client", "error_description": "No such application"}, GatewayMisconfigured),
        (400, {"error": "invalid_request"}, GatewayRefused),
        (400, {"error": "invalid_scope"}, GatewayRefused),
        (400, {"error": "unsupported_grant_type"}, GatewayRefused),
        (400, {"error": "invalid_redirect_uri"}, OutcomeUnknown),
        (500, {"error": "invalid_grant"}, OutcomeUnknown),
        (200, {"stripe_user_id": "acct_1", "scope": "read_write", "livemode": False}, OutcomeUnknown),
    ],
)
def test_a_code_that_is_not_redeemed_says_why(
    stripe_says: ScriptedStripe, status: int, body: object, kind: type[GatewayError]
):
    stripe_says.will(Answer(status, body))

    with pytest.raises(GatewayError) as caught:
        StripeConnectGateway(stripe_says.access()).redeem(CODE)

    assert type(caught.value) is kind
    assert "S3cret" not in str(caught.value) + caught.value.reason


NOT_CONNECTED = "This application is not connected to stripe account {}, or that account does not exist."


def test_letting_go_of_an_account_that_is_not_connected_is_done(stripe_says: ScriptedStripe):
    body = {"error": "invalid_client", "error_description": NOT_CONNECTED.format("acct_1")}
    stripe_says.will(Answer(401, body))

    StripeConnectGateway(stripe_says.access()).deauthorize("acct_1")

    assert [request.path for request in stripe_says.requests] == ["/oauth/deauthorize"]


@pytest.mark.parametrize("text", ["No such application: ca_test", NOT_CONNECTED.format("acct_12")])
def test_a_client_refused_for_anything_else_is_not_taken_for_a_disconnect(
    stripe_says: ScriptedStripe, text: str
):
    stripe_says.will(Answer(401, {"error": "invalid_client", "error_description": text}))

    with pytest.raises(GatewayMisconfigured):
        StripeConnectGateway(stripe_says.access()).deauthorize("acct_1")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(403, "account_invalid", AccessRevoked), (404, "resource_missing", AccessRevoked)],
)
def test_an_account_that_cannot_be_seen_has_revoked_access(
    stripe_says: ScriptedStripe, status: int, code: str, kind: type[GatewayError]
):
    stripe_says.will(Answer(status, error(code=code)))

    with pytest.raises(kind):
        StripeConnectGateway(stripe_says.access()).account("acct_1")


def test_an_account_whose_token_is_good_has_not_revoked_access(stripe_says: ScriptedStripe):
    """Otherwise, the key of another platform account would disconnect every account."""
    stripe_says.will(Answer(403, error(code="account_invalid")), Answer(body={"id": "acct_1"}))

    with pytest.raises(GatewayMisconfigured):
        StripeConnectGateway(stripe_says.access(), lambda _: TOKEN).account("acct_1")

    assert stripe_says.requests[1].headers["Authorization"] == f"Bearer {TOKEN}"


def sealed_for_good(_account_id: str) -> str:
    raise SealBroken


@pytest.mark.parametrize("token_for", [lambda _: TOKEN, lambda _: None, sealed_for_good])
def test_an_account_whose_token_is_as_dead_has_revoked_access(
    stripe_says: ScriptedStripe, token_for: Callable[[str], str | None]
):
    stripe_says.will(Answer(403, error(code="account_invalid")), Answer(401, error()))

    with pytest.raises(AccessRevoked):
        StripeConnectGateway(stripe_says.access(), token_for).account("acct_1")


def test_that_a_token_cannot_be_tried_proves_nothing(stripe_says: ScriptedStripe):
    stripe_says.will(Answer(403, error(code="account_invalid")), Answer(500))

    with pytest.raises(OutcomeUnknown):
        StripeConnectGateway(stripe_says.access(), lambda _: TOKEN).account("acct_1")


def test_a_permission_that_our_own_key_lacks_is_no_revocation(stripe_says: ScriptedStripe):
    """Otherwise, a restricted key would disconnect every account."""
    stripe_says.will(Answer(403, error(message="Having the 'rak_accounts_read' permission would help.")))

    with pytest.raises(GatewayError) as caught:
        StripeConnectGateway(stripe_says.access()).account("acct_1")

    assert type(caught.value) is GatewayRefused


def test_a_dead_token_is_revoked_access_and_not_our_fault(stripe_says: ScriptedStripe):
    stripe_says.will(Answer(401, error(message="Expired API Key provided")))

    with pytest.raises(AccessRevoked):
        StripeInvoiceGateway(stripe_says.access(), lambda _: TOKEN).invoice("acct_1", "in_1")


def leaky_calls(says: ScriptedStripe) -> list[Callable[[], object]]:
    tokens = StripeInvoiceGateway(says.access(), lambda _: TOKEN)
    connect = StripeConnectGateway(says.access())
    receivers = StripeReceiverGateway(says.access())
    # requests quotes a header that it refuses, and the SDK quotes what requests says.
    broken_key = StripeInvoiceGateway(says.access(secret_key=SECRET_KEY + "\n"))
    return [
        lambda: tokens.void("acct_1", "in_1", "key"),
        lambda: connect.redeem(CODE),
        lambda: receivers.endpoints(None),
        lambda: broken_key.invoice("acct_1", "in_1"),
    ]


@pytest.mark.parametrize("status", [200, 400, 401, 403, 500])
def test_no_secret_ends_in_an_error_or_in_a_log(
    stripe_says: ScriptedStripe, caplog: pytest.LogCaptureFixture, status: int
):
    everything = " ".join(SECRETS)
    oauth = {"error": "invalid_grant", "error_description": everything}
    bodies: list[object] = [error(message=everything), oauth, everything, error(message=everything)]
    caplog.set_level(logging.DEBUG)

    for body, call in zip(bodies, leaky_calls(stripe_says), strict=True):
        stripe_says.will(Answer(status, body))
        with pytest.raises(GatewayError) as caught:
            call()
        shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.reason)
        assert not [secret for secret in SECRETS if secret in shown + caplog.text]


def test_what_stripe_grants_is_not_logged(stripe_says: ScriptedStripe, caplog: pytest.LogCaptureFixture):
    granted = {"stripe_user_id": "acct_1", "access_token": TOKEN, "scope": "read_write", "livemode": False}
    stripe_says.will(Answer(200, granted))
    caplog.set_level(logging.DEBUG)

    authorization = StripeConnectGateway(stripe_says.access()).redeem(CODE)

    assert authorization.access_token == TOKEN
    assert not [secret for secret in SECRETS if secret in caplog.text + repr(authorization)]


def test_a_refusal_keeps_stripes_sentence_its_code_and_where_its_log_has_the_request():
    body = {
        "error": {
            "type": "invalid_request_error",
            "code": "charge_already_refunded",
            "message": f"Charge ch_1 has already been refunded with {SECRET_KEY}.",
            "request_log_url": f"https://dashboard.stripe.com/acct_1/logs/req_1?key={SECRET_KEY}",
        }
    }
    raised = stripe.InvalidRequestError(
        body["error"]["message"],
        None,
        code="charge_already_refunded",
        http_status=400,
        json_body=body,
        headers={"request-id": "req_1"},
    )

    with pytest.raises(GatewayRefused) as caught, translate_errors():
        raise raised

    assert caught.value.refusal == Refusal(
        message="Charge ch_1 has already been refunded with sk_[redacted].",
        code="charge_already_refunded",
        request_id="req_1",
        request_log_url="https://dashboard.stripe.com/acct_1/logs/req_1?key=sk_[redacted]",
    )


def test_a_refusal_that_says_little_is_kept_as_far_as_it_goes():
    with pytest.raises(GatewayRefused) as caught, translate_errors():
        raise stripe.InvalidRequestError("No.", None, http_status=400)

    assert caught.value.refusal == Refusal(message="No.")

import time
from collections.abc import Callable

import pytest
from freezegun import freeze_time

from stripe_bridge.adapters.stripe_gateway.invoices import StripeInvoiceGateway
from stripe_bridge.adapters.stripe_gateway.rate_limit import RateLimit, endpoint_of
from stripe_bridge.ports.stripe.errors import GatewayBusy, OutcomeUnknown
from tests.adapters.stripe_gateway.scripted_stripe import INVOICE, Answer, Hang, ScriptedStripe
from tests.servers.redis import RedisServer

BUSY = Answer(status=429, body={"error": {"type": "invalid_request_error", "message": "Too many requests"}})
LOCKED = Answer(status=429, body={"error": {"code": "lock_timeout", "message": "Locked"}})


def refusals(
    rate_limit: RateLimit,
    number: int,
    account: str = "acct_1",
    *,
    key: str = "",
    endpoint: str = "GET /v1/invoices",
) -> int:
    """How many of this many takers got no turn."""

    def refused() -> bool:
        try:
            rate_limit.acquire(key or account, account, endpoint)
        except GatewayBusy:
            return True
        return False

    return sum(refused() for _ in range(number))


@freeze_time()
def test_an_account_has_so_many_turns_a_second_and_others_have_their_own():
    rate_limit = RateLimit(5, "memory://", max_wait=0.0)

    assert refusals(rate_limit, 8) == 3
    assert refusals(rate_limit, 5, "acct_2") == 0


@freeze_time()
def test_an_endpoint_of_an_account_has_fewer_turns_than_the_account():
    rate_limit = RateLimit(10, "memory://", per_endpoint=3, max_wait=0.0)

    assert refusals(rate_limit, 5) == 2
    assert refusals(rate_limit, 3, endpoint="POST /v1/invoices") == 0
    assert refusals(rate_limit, 3, endpoint="GET /v1/refunds") == 0
    assert refusals(rate_limit, 3, endpoint="GET /v1/customers") == 2


@freeze_time()
def test_every_call_with_our_key_spends_a_turn_of_the_platforms_whatever_its_account():
    rate_limit = RateLimit(5, "memory://", max_wait=0.0)

    assert refusals(rate_limit, 4, "acct_1", key="platform") == 0
    assert refusals(rate_limit, 4, "acct_2", key="platform") == 3
    assert refusals(rate_limit, 1, "platform") == 1


@freeze_time()
def test_a_call_without_a_turn_of_its_endpoint_spends_none_of_its_account():
    rate_limit = RateLimit(3, "memory://", per_endpoint=1, max_wait=0.0)

    assert refusals(rate_limit, 9) == 8
    assert refusals(rate_limit, 2, endpoint="POST /v1/invoices") == 1
    assert refusals(rate_limit, 2, endpoint="GET /v1/refunds") == 1


def test_only_calls_that_wait_are_measured():
    waits: list[float] = []
    rate_limit = RateLimit(2, "memory://", on_wait=waits.append)

    for _ in range(3):
        rate_limit.acquire("acct_1", "acct_1", "GET /v1/invoices")

    (wait,) = waits
    assert 0.5 < wait < 4


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        (
            "https://api.stripe.com/v1/invoices/in_1MtHbELkdIwHu7ixl4OzzPMv/finalize?x=1",
            "/v1/invoices/{id}/finalize",
        ),
        ("http://127.0.0.1:1/v1/invoice_payments?invoice=in_1", "/v1/invoice_payments"),
        ("http://127.0.0.1:1/v1/invoices/in_1/add_lines", "/v1/invoices/{id}/add_lines"),
        ("http://127.0.0.1:1/v1/invoices/in_1/mark_uncollectible", "/v1/invoices/{id}/mark_uncollectible"),
        ("http://127.0.0.1:1/v1/accounts/acct_1032D82eZvKYlo2C", "/v1/accounts/{id}"),
        ("http://127.0.0.1:1/v1/checkout/sessions/cs_test_a1b2", "/v1/checkout/sessions/{id}"),
        ("http://127.0.0.1:1/v1/webhook_endpoints/we_0a", "/v1/webhook_endpoints/{id}"),
        ("https://connect.stripe.com/oauth/token", "/oauth/token"),
    ],
)
def test_an_endpoint_is_a_path_without_ids(url: str, endpoint: str):
    assert endpoint_of("get", url) == f"GET {endpoint}"


def test_who_has_no_turn_waits_for_one():
    rate_limit = RateLimit(2, "memory://")
    begun = time.monotonic()

    for _ in range(4):
        rate_limit.acquire("acct_1", "acct_1", "GET /v1/invoices")

    assert time.monotonic() - begun > 0.9


def test_processes_share_a_budget_through_redis(redis_url: str):
    one, other = (RateLimit(5, redis_url, max_wait=0.0) for _ in range(2))

    assert refusals(one, 3) + refusals(other, 3) == 1


def test_a_budget_that_is_out_of_reach_holds_up_no_call(own_redis: RedisServer):
    rate_limit = RateLimit(1, own_redis.url(), max_wait=0.0)
    rate_limit.acquire("acct_1", "acct_1", "GET /v1/invoices")
    own_redis.kill()
    begun = time.monotonic()

    assert refusals(rate_limit, 50) == 0
    # If each waited for Redis, it would take more than twelve seconds.
    assert time.monotonic() - begun < 8


def test_every_request_takes_its_turn_in_its_accounts_budget(stripe_says: ScriptedStripe):
    stripe_says.will(*[Answer(body=INVOICE)] * 4)
    gateway = StripeInvoiceGateway(stripe_says.access(rate_limit=RateLimit(2, "memory://", max_wait=0.0)))

    gateway.invoice("acct_1", "in_1")
    gateway.void("acct_1", "in_1", "key-1")
    for account_id in ("acct_1", "acct_2"):
        with pytest.raises(GatewayBusy) as busy:
            gateway.invoice(account_id, "in_1")

    assert "sk_test" not in busy.value.reason
    assert len(stripe_says.requests) == 2


def test_every_request_takes_its_turn_at_its_endpoint(stripe_says: ScriptedStripe):
    stripe_says.will(*[Answer(body=INVOICE)] * 4)
    rate_limit = RateLimit(10, "memory://", per_endpoint=1, max_wait=0.0)
    gateway = StripeInvoiceGateway(stripe_says.access(rate_limit=rate_limit))

    gateway.invoice("acct_1", "in_1")
    gateway.void("acct_1", "in_1", "key-1")
    gateway.invoice("acct_2", "in_1")
    with pytest.raises(GatewayBusy):
        gateway.invoice("acct_1", "in_2")

    assert len(stripe_says.requests) == 3


@pytest.mark.parametrize("refusal", [BUSY, LOCKED], ids=["rate", "lock"])
def test_a_lookup_waits_until_stripe_takes_it(stripe_says: ScriptedStripe, refusal: Answer):
    stripe_says.will(refusal, Answer(body=INVOICE))

    found = StripeInvoiceGateway(stripe_says.access(max_429_wait=5.0)).invoice("acct_1", "in_1")

    assert found.id == "in_1"


CHANGES: dict[str, Callable[[StripeInvoiceGateway], object]] = {
    "void": lambda gateway: gateway.void("acct_1", "in_1", "key-1"),
    "delete": lambda gateway: gateway.delete_draft("acct_1", "in_1"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_that_stripe_refuses_for_its_rate_is_left_to_its_intent(
    stripe_says: ScriptedStripe, change: Callable[[StripeInvoiceGateway], object]
):
    stripe_says.will(BUSY, Answer(body=INVOICE))

    with pytest.raises(GatewayBusy):
        change(StripeInvoiceGateway(stripe_says.access(max_429_wait=5.0)))

    assert len(stripe_says.requests) == 1


def test_a_lookup_does_not_wait_for_ever(stripe_says: ScriptedStripe):
    stripe_says.will(*[BUSY] * 20)
    begun = time.monotonic()

    with pytest.raises(GatewayBusy):
        StripeInvoiceGateway(stripe_says.access(max_429_wait=1.0)).invoice("acct_1", "in_1")

    # Not as long as all twenty lookups would take.
    assert time.monotonic() - begun < 8


def test_a_quick_lookup_is_given_up_within_two_seconds_and_not_repeated(stripe_says: ScriptedStripe):
    stripe_says.will(Hang())
    gateway = StripeInvoiceGateway(stripe_says.access())
    begun = time.monotonic()

    with pytest.raises(OutcomeUnknown):
        gateway.invoice("acct_1", "in_1", quickly=True)

    assert time.monotonic() - begun < 2
    assert len(stripe_says.requests) == 1


def test_a_quick_lookup_waits_no_longer_for_its_turn():
    rate_limit = RateLimit(1, "memory://")
    rate_limit.acquire("acct_1", "acct_1", "GET /v1/invoices/{id}")
    begun = time.monotonic()

    with pytest.raises(GatewayBusy):
        rate_limit.acquire("acct_1", "acct_1", "GET /v1/invoices/{id}", 0.2)

    # Sooner than its turn would come.
    assert time.monotonic() - begun < 0.9

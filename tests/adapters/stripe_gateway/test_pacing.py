import time
from collections.abc import Callable

import pytest

from stripe_bridge.adapters.stripe_gateway.budget import Budget
from stripe_bridge.adapters.stripe_gateway.payment_gateway import StripePaymentGateway
from stripe_bridge.ports.gateway_errors import GatewayBusy
from tests.adapters.stripe_gateway.scripted_stripe import Answer, ScriptedStripe
from tests.servers.redis import RedisServer

BUSY = Answer(status=429, body={"error": {"type": "invalid_request_error", "message": "Too many requests"}})
LOCKED = Answer(status=429, body={"error": {"code": "lock_timeout", "message": "Locked"}})
INVOICE = {
    "id": "in_1",
    "object": "invoice",
    "status": "open",
    "customer": "cus_1",
    "currency": "eur",
    "total": 5,
    "amount_due": 5,
    "amount_paid": 0,
    "amount_remaining": 5,
}


def refusals(budget: Budget, number: int, account: str = "acct_1") -> int:
    """How many of so many takers had no turn."""

    def refused() -> bool:
        try:
            budget.take(account)
        except GatewayBusy:
            return True
        return False

    return sum(refused() for _ in range(number))


def test_an_account_has_so_many_turns_a_second_and_others_have_their_own():
    budget = Budget(5, "memory://", longest_wait=0.0)

    assert refusals(budget, 8) == 3
    assert refusals(budget, 5, "acct_2") == 0


def test_who_has_no_turn_waits_for_one():
    budget = Budget(2, "memory://")
    begun = time.monotonic()

    for _ in range(4):
        budget.take("acct_1")

    assert 0.9 < time.monotonic() - begun < 4


def test_processes_share_a_budget_through_redis(redis_url: str):
    one, other = (Budget(5, redis_url, longest_wait=0.0) for _ in range(2))

    assert refusals(one, 3) + refusals(other, 3) == 1


def test_a_budget_that_is_out_of_reach_holds_up_no_call(own_redis: RedisServer):
    budget = Budget(1, own_redis.url(), longest_wait=0.0)
    budget.take("acct_1")
    own_redis.kill()
    begun = time.monotonic()

    assert refusals(budget, 50) == 0
    assert time.monotonic() - begun < 2


def test_every_request_takes_its_turn_in_its_accounts_budget(stripe_says: ScriptedStripe):
    stripe_says.will(*[Answer(body=INVOICE)] * 4)
    gateway = StripePaymentGateway(stripe_says.access(budget=Budget(2, "memory://", longest_wait=0.0)))

    gateway.invoice("acct_1", "in_1")
    gateway.void("acct_1", "in_1", "key-1")
    with pytest.raises(GatewayBusy) as busy:
        gateway.invoice("acct_1", "in_1")
    gateway.invoice("acct_2", "in_1")

    assert "sk_test" not in busy.value.reason
    assert len(stripe_says.requests) == 3


@pytest.mark.parametrize("refusal", [BUSY, LOCKED], ids=["rate", "lock"])
def test_a_lookup_waits_until_stripe_takes_it(stripe_says: ScriptedStripe, refusal: Answer):
    stripe_says.will(refusal, Answer(body=INVOICE))

    found = StripePaymentGateway(stripe_says.access(busy_patience=5.0)).invoice("acct_1", "in_1")

    assert found.id == "in_1"


CHANGES: dict[str, Callable[[StripePaymentGateway], object]] = {
    "void": lambda gateway: gateway.void("acct_1", "in_1", "key-1"),
    "delete": lambda gateway: gateway.delete_draft("acct_1", "in_1"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_that_stripe_refuses_for_its_rate_is_left_to_its_intent(
    stripe_says: ScriptedStripe, change: Callable[[StripePaymentGateway], object]
):
    stripe_says.will(BUSY, Answer(body=INVOICE))

    with pytest.raises(GatewayBusy):
        change(StripePaymentGateway(stripe_says.access(busy_patience=5.0)))

    assert len(stripe_says.requests) == 1


def test_a_lookup_does_not_wait_for_ever(stripe_says: ScriptedStripe):
    stripe_says.will(*[BUSY] * 20)
    begun = time.monotonic()

    with pytest.raises(GatewayBusy):
        StripePaymentGateway(stripe_says.access(busy_patience=1.0)).invoice("acct_1", "in_1")

    assert time.monotonic() - begun < 3

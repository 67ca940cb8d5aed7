"""The doctor says which refunds were made twice, until one of them has failed or somebody has looked into it."""

from dataclasses import replace

import pytest

from stripe_bridge.domain.finding import Finding, Severity
from stripe_bridge.domain.stripe_objects import StripeRefund
from tests.builders import TENANT
from tests.use_cases.refunding import refund_again
from tests.world import World


def findings(world: World) -> list[Finding]:
    return [each for each in world.bridge.operations.diagnose() if each.subject.startswith("refund")]


@pytest.fixture
def pair(receiving: World) -> tuple[StripeRefund, StripeRefund]:
    receiving.paid()
    (ours,) = receiving.refund(1, 4_000)
    second = refund_again(receiving, ours)
    receiving.deliver()
    first = receiving.stripe.accounts[receiving.account_id].charges.refunds[str(ours.stripe_refund_id)]
    return first, second


def test_a_refund_that_was_made_twice_is_found_with_both_ids_the_invoice_the_amount_and_what_to_do(
    receiving: World, pair: tuple[StripeRefund, StripeRefund]
):
    (finding,) = findings(receiving)

    assert (finding.severity, finding.subject) == (Severity.ERROR, f"refund 2 of tenant {TENANT}")
    assert "invoice 1 was refunded twice for one request" in finding.what
    assert all(each.id in finding.what for each in pair)
    assert finding.what.count("40.00 EUR") == 1
    assert f"stripe-bridge refunds accept-duplicate 2 --tenant {TENANT}" in finding.remedy
    assert findings(receiving) == [finding], "It stays."


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_two_refunds_of_which_one_came_to_nothing_are_one(
    receiving: World, pair: tuple[StripeRefund, StripeRefund], which: int, status: str
):
    ended = replace(pair[which], status=status)
    receiving.stripe.accounts[receiving.account_id].charges.refunds[ended.id] = ended
    receiving.deliver()

    assert findings(receiving) == []


def test_a_duplicate_that_was_accepted_is_not_found_any_more(
    receiving: World, pair: tuple[StripeRefund, StripeRefund]
):
    receiving.bridge.refunds.accept_duplicate(TENANT, 2)

    assert findings(receiving) == []


def test_what_was_made_twice_is_measured(receiving: World, pair: tuple[StripeRefund, StripeRefund]):
    assert receiving.bridge.operations.measure_backlog().duplicated_refunds == 1
    receiving.bridge.refunds.accept_duplicate(TENANT, 2)
    assert receiving.bridge.operations.measure_backlog().duplicated_refunds == 0

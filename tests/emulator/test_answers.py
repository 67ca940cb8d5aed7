"""What an answer says beside its body: who asked, whether to try again, and where the request is logged."""

from typing import Any

import pytest
import stripe

from tests.emulator.conftest import client_of, header
from tests.emulator.test_recorded import RECORDED


def _headers(made: Any) -> Any:
    return made.last_response.headers


def test_a_post_carries_its_own_id_and_that_retrying_is_of_no_use(shop):
    made = shop.customer()
    assert _headers(made)["Original-Request"] == made.last_response.request_id
    assert _headers(made)["Stripe-Should-Retry"] == RECORDED["headers"]["should_retry"]
    read = shop.v1.customers.retrieve(made.id, {}, shop.options)
    assert {"Original-Request", "Stripe-Should-Retry"}.isdisjoint(_headers(read))


def test_a_repeated_post_carries_the_first_ones_id(shop):
    first, again = (shop.v1.customers.create({"name": "A"}, shop.keyed("k")) for _ in range(2))
    assert _headers(again)["Original-Request"] == first.last_response.request_id
    assert again.last_response.request_id != first.last_response.request_id
    assert _headers(again)["Stripe-Should-Retry"] == RECORDED["headers"]["should_retry"]


@pytest.mark.parametrize(
    ("act", "advice"),
    [
        (lambda shop: shop.send(shop.paid().id), "false"),
        (lambda shop: shop.customer(nonsense="x"), None),
        (lambda shop: shop.finalize("in_nothing"), None),
    ],
    ids=["by the state", "of the parameters", "of an unknown id"],
)
def test_only_a_refusal_by_the_state_of_things_advises_against_a_retry(shop, act, advice):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        act(shop)
    assert header(refusal.value, "Stripe-Should-Retry") == advice
    assert header(refusal.value, "Original-Request") == refusal.value.request_id


def test_a_locked_object_advises_a_retry(emulator, shop):
    emulator.control.misbehave({"calls": [{"effect": "lock_timeout", "next": 1}]})
    with pytest.raises(stripe.RateLimitError) as refusal:
        shop.customer()
    assert header(refusal.value, "Stripe-Should-Retry") == (RECORDED["headers"]["lock_timeout_should_retry"])


def test_an_answer_names_the_connected_account_that_it_is_about(platform, shop):
    assert _headers(shop.customer())["Stripe-Account"] == shop.account
    assert _headers(platform.v1.accounts.retrieve(shop.account))["Stripe-Account"] == shop.account
    assert "Stripe-Account" not in _headers(platform.v1.customers.create({}))
    with pytest.raises(stripe.PermissionError) as refusal:
        platform.v1.accounts.retrieve("acct_nobody")
    assert header(refusal.value, "Stripe-Account") is None


def _error(refusal: stripe.StripeError) -> Any:
    body: Any = refusal.json_body
    return body["error"]


def test_a_refusal_names_the_page_that_shows_the_request(platform, shop):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        shop.read("in_nothing")
    expected = RECORDED["request_log"]["url"].format(account=shop.account, request=refusal.value.request_id)
    assert _error(refusal.value)["request_log_url"] == expected
    with pytest.raises(stripe.PermissionError) as unknown:
        platform.v1.customers.list({}, {"stripe_account": "acct_nobody"})
    assert "request_log_url" not in _error(unknown.value)


def test_a_masked_key_is_as_long_as_the_key(emulator):
    with pytest.raises(stripe.AuthenticationError, match=r"sk_test_\*{14}cdef$"):
        client_of(emulator, "sk_test_0123456789abcdcdef").v1.customers.list()

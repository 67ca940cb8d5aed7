"""Faults on command."""

import time

import pytest
import stripe

from stripe_emulator.misbehavior import Misbehavior, MisbehaviorError
from tests.emulator.conftest import error_code, header


def misbehave(emulator, **rule):
    emulator.control.misbehave({"calls": [rule]})


def customers(shop) -> int:
    return len(shop.v1.customers.list({"limit": 100}, shop.options).data)


def test_good_behavior_is_the_default_and_can_be_restored(emulator, shop):
    misbehave(emulator, effect="500_before")
    with pytest.raises(stripe.APIError):
        shop.customer()
    emulator.control.misbehave({})
    assert shop.customer().id


@pytest.mark.parametrize(
    ("effect", "error", "made"),
    [
        ("rate_limit", stripe.RateLimitError, 0),
        ("lock_timeout", stripe.RateLimitError, 0),
        ("forbidden", stripe.PermissionError, 0),
        ("500_before", stripe.APIError, 0),
        ("500_after", stripe.APIError, 1),
        ("cut_before", stripe.APIConnectionError, 0),
        ("cut_after", stripe.APIConnectionError, 1),
    ],
)
def test_each_fault_is_seen_by_the_sdk_and_has_its_effect_or_not(emulator, shop, effect, error, made):
    misbehave(emulator, effect=effect, method="POST", next=1)
    with pytest.raises(error):
        shop.customer()
    assert customers(shop) == made
    assert shop.customer().id


def test_the_two_kinds_of_429_differ_in_header_and_code(emulator, shop):
    misbehave(emulator, effect="rate_limit", reason="global-rate")
    with pytest.raises(stripe.RateLimitError) as limited:
        shop.customer()
    assert header(limited.value, "stripe-rate-limited-reason") == "global-rate"
    misbehave(emulator, effect="lock_timeout")
    with pytest.raises(stripe.RateLimitError) as locked:
        shop.customer()
    assert header(locked.value, "stripe-rate-limited-reason") is None
    assert error_code(locked.value) == "lock_timeout"


def test_a_delay_delays(emulator, shop):
    misbehave(emulator, effect="delay", ms=150, next=1)
    started = time.monotonic()
    shop.customer()
    assert time.monotonic() - started >= 0.15


def test_a_rule_meets_only_its_method_and_path(emulator, shop):
    misbehave(emulator, effect="500_before", method="POST", path="/finalize$")
    invoice = shop.draft(100)
    with pytest.raises(stripe.APIError):
        shop.finalize(invoice.id)
    assert shop.read(invoice.id).status == "draft"


def test_a_rule_can_meet_just_the_kth_call(emulator, shop):
    misbehave(emulator, effect="500_before", path="customers", nth=2)
    shop.customer()
    with pytest.raises(stripe.APIError):
        shop.customer()
    shop.customer()


def test_chance_repeats_itself_under_the_same_seed():
    def strikes(seed):
        misbehavior = Misbehavior()
        misbehavior.replace({"seed": seed, "calls": [{"effect": "500_before", "probability": 0.5}]}, 0)
        return [bool(misbehavior.faults("GET", "/v1/x").effect) for _ in range(50)]

    assert strikes(7) == strikes(7)
    assert strikes(7) != strikes(8)
    assert {True, False} == set(strikes(7))


def test_faults_meet_oauth_too(emulator, platform):
    misbehave(emulator, effect="cut_after", path="/oauth/deauthorize", next=1)
    account = emulator.control.create_account("Shop", connected=True)["id"]
    with pytest.raises(stripe.APIConnectionError):
        platform.oauth.deauthorize({"stripe_user_id": account})
    with pytest.raises(stripe.oauth_error.InvalidClientError):
        platform.oauth.deauthorize({"stripe_user_id": account})


@pytest.mark.parametrize(
    "setting",
    [
        [],
        {"call": []},
        {"calls": [{"effect": "explode"}]},
        {"calls": [{"effect": "delay", "colour": "red"}]},
        {"calls": [{"effect": "delay", "path": "("}]},
        {"calls": [{"effect": "crash_after"}]},
        {"deliveries": {"eat": 1}},
        {"refunds": {"status": "lost"}},
        {"seed": []},
        {"refunds": []},
        {"refunds": {"next": "two"}},
        {"calls": {}},
        {"calls": [{"effect": "delay", "ms": "long"}]},
        {"calls": [{"effect": "delay", "ms": -1}]},
        {"calls": [{"effect": "rate_limit", "probability": "often"}]},
        {"deliveries": {"drop": "often"}},
        {"deliveries": {"reorder": 1, "reorder_ms": "long"}},
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_and_changes_nothing(emulator, setting):
    emulator.control.misbehave({"seed": 3})
    with pytest.raises(MisbehaviorError):
        emulator.control.misbehave(setting)
    assert emulator.control.misbehavior()["setting"] == {"seed": 3}

from datetime import UTC, datetime, timedelta

import pytest

from stripe_bridge.adapters.console.formats import actor_name, ago, exact, machine, money, tone, words
from stripe_bridge.domain.intent import IntentState
from stripe_bridge.domain.invoice import InvoiceStatus

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (123_450, "eur", "1,234.50 EUR"),
        (5, "usd", "0.05 USD"),
        (-5, "usd", "\N{MINUS SIGN}0.05 USD"),
        (0, "gbp", "0.00 GBP"),
        (1_500, "jpy", "1,500 JPY"),
        (1_500, "kwd", "1.500 KWD"),
        (10**12 - 1, "EUR", "9,999,999,999.99 EUR"),
        (12, "xxx", "12 XXX (minor unit)"),
        (None, "eur", "\N{EN DASH}"),
    ],
)
def test_money_has_the_decimals_of_its_currency_and_its_code(amount, currency, written):
    assert money(amount, currency) == written


@pytest.mark.parametrize(
    ("distance", "written"),
    [
        (timedelta(), "now"),
        (timedelta(seconds=44), "now"),
        (timedelta(seconds=45), "1 minute ago"),
        (timedelta(minutes=2), "2 minutes ago"),
        (timedelta(minutes=59), "1 hour ago"),
        (timedelta(hours=2), "2 hours ago"),
        (timedelta(hours=23), "1 day ago"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(days=29, hours=23), "1 month ago"),
        (timedelta(days=30), "2026-10-31"),
        (-timedelta(seconds=10), "in a moment"),
        (-timedelta(minutes=5), "in 5 minutes"),
        (-timedelta(days=100), "2027-03-10"),
    ],
)
def test_a_time_says_how_long_ago_it_was_or_when_it_will_be(distance, written):
    assert ago(NOW - distance, NOW) == written


def test_the_exact_time_is_in_utc_whatever_zone_it_came_in():
    assert exact(NOW) == "2026-11-30 12:00:00 UTC"
    assert machine(NOW) == "2026-11-30T12:00:00Z"


def test_a_state_is_words_and_its_color_only_says_the_same():
    assert words("payment_pending") == "payment pending"
    assert words("stripe_charge_id, business_url") == "Stripe charge id, business URL"
    assert {tone(state) for state in InvoiceStatus} <= {"good", "info", "warn", "bad", "plain"}
    assert tone(InvoiceStatus.PAID) == tone(IntentState.CONFIRMED) == "good"
    assert tone(IntentState.FAILED) == "bad"
    assert tone("what nobody knows") == "plain"


@pytest.mark.parametrize(
    ("actor", "written"),
    [
        ({"type": "token", "id": "token:5", "user_id": 7}, "token 5 for ERP user 7"),
        ({"type": "user", "id": "user:jane", "user_id": None}, "user jane"),
        ({"type": "operator", "id": "root"}, "operator root"),
        ({"type": "stripe", "id": "acct_1"}, "Stripe acct_1"),
        ({"type": "stripe", "id": None}, "Stripe"),
        ({"type": "service", "id": "confirm_settlements"}, "this service: confirm settlements"),
        ({"type": "service", "id": None}, "this service"),
    ],
)
def test_an_actor_is_named_in_one_way_everywhere(actor, written):
    assert actor_name(actor) == written

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_bridge.domain.receiver import (
    PLATFORM_KINDS,
    SUBSCRIBED_EVENTS,
    ReceiverKind,
    account_receiver_url,
    endpoint_problems,
)
from stripe_bridge.domain.stripe_objects import WebhookEndpoint

URL, VERSION = "https://bridge.test/api/webhooks/stripe", "2026-10-28.endive"
SOUND = WebhookEndpoint(
    id="we_1",
    url=URL,
    enabled=True,
    livemode=False,
    api_version=VERSION,
    enabled_events=SUBSCRIBED_EVENTS,
    metadata={},
)


def problems(**changes: Any) -> list[str]:
    return endpoint_problems(replace(SOUND, **changes), URL, VERSION)


def test_an_endpoint_as_it_was_created_has_no_problem():
    assert problems() == []


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"url": "https://old.test"}, f"it points to https://old.test, not to {URL}"),
        ({"enabled": False}, "Stripe has disabled it"),
        ({"api_version": "2020-08-27"}, f"it uses API version 2020-08-27, not {VERSION}"),
        ({"api_version": None}, f"it uses API version None, not {VERSION}"),
    ],
)
def test_each_problem_is_named(changes: dict[str, Any], what: str):
    assert problems(**changes) == [what]


@given(st.frozensets(st.sampled_from(sorted(SUBSCRIBED_EVENTS)), min_size=1))
def test_exactly_the_events_that_are_missing_are_named_whatever_else_it_gets(missing: frozenset[str]):
    (what,) = problems(enabled_events=(SUBSCRIBED_EVENTS - missing) | {"plan.created"})

    assert what == f"it is not subscribed to {', '.join(sorted(missing))}"


def test_an_endpoint_that_gets_all_events_misses_none():
    assert problems(enabled_events=frozenset({"*"})) == []


def test_an_accounts_own_receiver_stands_below_the_platforms():
    assert account_receiver_url(URL, 7) == f"{URL}/7"
    assert ReceiverKind.ACCOUNT not in PLATFORM_KINDS

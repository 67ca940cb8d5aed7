"""The combinations of database, queue and processes that journeys run on."""

from typing import Any

import pytest

from tests.journeys.stack import Combination

SQLITE = Combination(database="sqlite")
SQLITE_REDIS = Combination(database="sqlite", worker="flask")
POSTGRES = Combination(database="postgres")
POSTGRES_REDIS = Combination(database="postgres", worker="flask")
POSTGRES_DRAMATIQ = Combination(database="postgres", worker="dramatiq")
ACCOUNT_TOKENS = Combination(database="sqlite", settings={"STRIPE_ACCOUNT_AUTH": "token"})
# Calls that Stripe did not answer are looked up soon: outside of tests, this would be too soon.
IMPATIENT = Combination(database="sqlite", settings={"INTENT_SETTLE_SECONDS": "0.5"})
# Slow to start: only for what many processes can do to each other.
POSTGRES_MANY = Combination(database="postgres", web_processes=4, worker="flask")
ALL = (SQLITE, SQLITE_REDIS, POSTGRES, POSTGRES_REDIS, POSTGRES_DRAMATIQ, POSTGRES_MANY, ACCOUNT_TOKENS)


def on(*combinations: Combination) -> Any:
    """Run a test on each of these combinations."""
    marked = [
        pytest.param(one, id=one.name, marks=() if one == SQLITE else pytest.mark.servers)
        for one in combinations
    ]
    return pytest.mark.parametrize("stack", marked, indirect=True, scope="package")

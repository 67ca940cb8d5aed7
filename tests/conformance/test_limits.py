"""Rate limits that all web processes count together."""

import os
import signal
import time
from collections import Counter

import pytest

from stripe_bridge.domain.access import Role
from tests.conformance.conftest import erp_of
from tests.journeys.people import problem
from tests.servers.redis import RedisServer

SEND = ("POST", "/api/stripe/invoices")
REFUND = ("POST", "/api/stripe/invoices/1/refunds")
READ = ("GET", "/api/stripe/integrations")
pytestmark = [pytest.mark.slow, pytest.mark.servers]


@pytest.fixture(scope="module")
def own_server():
    server = RedisServer()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def stack(run_stack, own_server):
    with run_stack(web_processes=2, worker="flask", redis_url=own_server.url()) as started:
        yield started


@pytest.fixture
def erp(stack):
    with erp_of(stack) as one:
        yield one


def ask(erp, request, role=Role.POWER_USER):
    # A new connection for each: a kept-alive one would stay with one process.
    return erp.ask(*request, role=role, headers={"Connection": "close"})


@pytest.mark.parametrize(
    ("request_", "limit", "role"),
    [(REFUND, 20, Role.POWER_USER), (SEND, 30, Role.MEMBER), (SEND, 30, Role.VIEWER)],
)
def test_one_more_than_the_limit_is_too_many_over_two_processes(erp, request_, limit, role):
    answers = [ask(erp, request_, role) for _ in range(limit)]
    # Whatever the answers were: nothing to refund, no body, too weak a role.
    assert {answer.status_code for answer in answers} < {403, 404, 422}
    refused = ask(erp, request_, role)
    assert problem(refused, 429)["message"] == "Too Many Attempts."
    assert refused.headers["X-RateLimit-Limit"] == str(limit)
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    # Other operations and other tokens are not affected.
    assert ask(erp, READ, role).status_code == 200
    other = Role.ADMIN
    assert ask(erp, request_, other).status_code != 429


def test_a_thousand_requests_a_minute_are_enough_whatever_they_are(erp):
    answers: Counter[int] = Counter()
    for number in range(1_000):
        path = READ if number % 2 else ("GET", "/api/stripe/invoices/1")
        answers[erp.ask(*path).status_code] += 1
    assert answers == {200: 500, 404: 500}
    refused = erp.ask(*READ)
    assert problem(refused, 429)["message"] == "Too Many Attempts."
    assert refused.headers["X-RateLimit-Limit"] == "1000"


def test_without_redis_no_client_is_limited_and_responses_stay_quick(erp, own_server):
    assert ask(erp, READ).status_code == 200
    own_server.stop()
    try:
        assert_quick(erp)
    finally:
        own_server.start()


def test_a_redis_that_hangs_limits_no_client_and_responses_stay_quick(erp, own_server):
    assert ask(erp, READ).status_code == 200
    os.kill(own_server._process.pid, signal.SIGSTOP)
    try:
        assert_quick(erp)
    finally:
        os.kill(own_server._process.pid, signal.SIGCONT)


def assert_quick(erp):
    for request_ in [READ, REFUND] * 2:
        began = time.monotonic()
        assert ask(erp, request_).status_code in (200, 404)
        assert time.monotonic() - began < 5

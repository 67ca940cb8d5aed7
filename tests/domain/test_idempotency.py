"""What is kept of our callers' requests, and for how long."""

from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.domain.idempotency import IdempotentRequest, RequestScope, StoredResponse, is_storable
from tests.builders import NOW

REQUEST = IdempotentRequest(
    scope=RequestScope(token_id="token:1", method="POST", path="/api/stripe/invoices", key="k-1"),
    body_hash="5e884898",
    created_at=NOW,
    leased_until=NOW + timedelta(seconds=60),
)
ANSWERED = replace(REQUEST, answer=StoredResponse(status=201, content_type="application/json", body=b"{}"))


@pytest.mark.parametrize(
    ("status", "kept"),
    [(200, True), (201, True), (404, True), (422, True)]
    + [(status, False) for status in (401, 403, 409, 429, 500, 502, 503)],
)
def test_what_asking_again_could_change_is_not_kept(status: int, kept: bool):
    assert is_storable(status) is kept


def test_a_request_expires_after_a_day():
    day = timedelta(hours=24)
    assert not ANSWERED.is_expired(NOW + day - timedelta(microseconds=1))
    assert ANSWERED.is_expired(NOW + day)


def test_a_request_without_a_response_within_its_lease_is_abandoned():
    assert not REQUEST.is_abandoned(REQUEST.leased_until - timedelta(microseconds=1))
    assert REQUEST.is_abandoned(REQUEST.leased_until)
    assert not ANSWERED.is_abandoned(NOW + timedelta(hours=1))

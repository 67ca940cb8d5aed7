"""What every store promises about idempotent requests."""

from dataclasses import replace
from datetime import timedelta

from stripe_bridge.domain.idempotency import IdempotentRequest, RequestScope, StoredResponse
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.builders import NOW
from tests.contracts.stored import at_once

SCOPE = RequestScope(token_id="token:1", method="POST", path="/api/stripe/invoices", key="k-1")
RUNNING = IdempotentRequest(
    scope=SCOPE, body_hash="abc", created_at=NOW, leased_until=NOW + timedelta(minutes=1)
)
ANSWER = StoredResponse(status=201, content_type="application/json", body=b"{}")


def test_a_request_comes_back_as_it_was_stored(store: Store):
    finished = replace(RUNNING, answer=ANSWER)
    with store.writing() as work:
        assert work.idempotent_requests.find(SCOPE) is None
        assert work.idempotent_requests.add(RUNNING)
        assert work.idempotent_requests.find(SCOPE) == RUNNING
        work.idempotent_requests.save(finished)
        work.commit()
    with store.writing() as work:
        assert work.idempotent_requests.find(SCOPE) == finished
        assert work.idempotent_requests.find(replace(SCOPE, key="k-2")) is None
        assert work.idempotent_requests.find(replace(SCOPE, token_id="token:2")) is None


def test_of_simultaneous_requests_of_one_scope_one_is_added(store: Store):
    def add(_number: int) -> bool:
        with store.writing() as work:
            is_first = work.idempotent_requests.add(RUNNING)
            work.commit()
        return is_first

    assert at_once(12, add).count(True) == 1


def test_a_removed_request_may_be_added_again(store: Store):
    with store.writing() as work:
        work.idempotent_requests.add(RUNNING)
        work.idempotent_requests.remove(SCOPE)
        work.idempotent_requests.remove(SCOPE)
        assert work.idempotent_requests.add(RUNNING)


def test_only_old_requests_are_cleared_away(store: Store):
    young = replace(RUNNING, scope=replace(SCOPE, key="k-2"), created_at=NOW + timedelta(seconds=1))
    with store.writing() as work:
        work.idempotent_requests.add(RUNNING)
        work.idempotent_requests.add(young)
        assert work.idempotent_requests.remove_older_than(NOW) == 1
        assert work.idempotent_requests.find(SCOPE) is None
        assert work.idempotent_requests.find(young.scope) == young

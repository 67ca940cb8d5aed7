"""An idempotency key that is released at the very moment when it is used again."""

from collections.abc import Iterator
from typing import Any

import pytest

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.domain.errors.conflicts import RequestStillRunning
from stripe_bridge.domain.idempotency import IdempotentRequest, RequestScope, StoredResponse
from stripe_bridge.use_cases.access.idempotency import BeginIdempotentRequest, FinishIdempotentRequest
from tests.fakes.system import FrozenClock
from tests.fakes.vault import FakeVault

SCOPE = RequestScope(token_id="token:1", method="POST", path="/api/stripe/invoices/1/refunds", key="k-1")
FAILED = StoredResponse(status=502, content_type="application/problem+json", body=b"{}")


@pytest.fixture
def store(postgres_url: str) -> Iterator[SqlStore]:
    """PostgreSQL only: SQLite has one writer at a time, so there is no such moment."""
    sql_store = SqlStore(create_engine(postgres_url))
    yield sql_store
    sql_store.close()


class LetGo:
    """A store in which the first request ends while the second one looks at it."""

    def __init__(self, store: SqlStore, first: IdempotentRequest) -> None:
        self._store, self._first = store, first

    def writing(self) -> Any:
        work: Any = self._store.writing()
        enter, store, first = work.__enter__, self._store, self._first

        class Work:
            def __enter__(self) -> Any:
                entered = enter()
                requests = entered.idempotent_requests
                find = requests.find

                def find_late(scope: RequestScope) -> Any:
                    FinishIdempotentRequest(store, FakeVault())(first, FAILED)
                    return find(scope)

                requests.find = find_late
                return entered

            def __exit__(self, *error: Any) -> Any:
                return work.__exit__(*error)

        return Work()


def test_the_next_request_then_runs_it_and_keeps_others_out(store: SqlStore):
    clock = FrozenClock()
    first = BeginIdempotentRequest(store, clock, FakeVault())(SCOPE, "a body")
    assert isinstance(first, IdempotentRequest)

    second: Any = LetGo(store, first)
    assert isinstance(BeginIdempotentRequest(second, clock, FakeVault())(SCOPE, "a body"), IdempotentRequest)

    with pytest.raises(RequestStillRunning):
        BeginIdempotentRequest(store, clock, FakeVault())(SCOPE, "a body")

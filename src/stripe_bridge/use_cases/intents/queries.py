"""Reading intents, the calls to Stripe, for operators."""

from __future__ import annotations

from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.ports.storage.intents import IntentFilter, IntentNotFound
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork


class ListIntents:
    """Newest first, of every tenant unless the filter says otherwise."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, matching: IntentFilter, request: PageRequest) -> Page[Intent]:
        with self._store.reading() as work:
            return work.intents.page(matching, request)


class ShowIntent:
    """A tenant's, or with None anybody's. Raises IntentNotFound."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, intent_id: int, tenant_id: str | None = None) -> Intent:
        with self._store.reading() as work:
            return get_intent(work, intent_id, tenant_id)


def get_intent(
    work: UnitOfWork, intent_id: int, tenant_id: str | None = None, *, lock: bool = False
) -> Intent:
    intent = work.intents.find(intent_id, lock=lock)
    if intent is None or tenant_id not in (None, intent.tenant_id):
        raise IntentNotFound
    return intent

"""Whose data there is."""

from __future__ import annotations

from collections.abc import Sequence

from stripe_bridge.ports.storage.unit_of_work import Store


class ListTenants:
    """Those that have a token or an integration, in alphabetical order."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self) -> Sequence[str]:
        with self._store.reading() as work:
            return sorted({token.tenant_id for token in work.tokens.all()} | set(work.integrations.tenants()))

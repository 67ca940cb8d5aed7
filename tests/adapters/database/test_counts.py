"""Totals that went wrong are set right."""

import pytest
from sqlalchemy import text

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.domain.webhook_event import SkipReason
from stripe_bridge.ports.inbox import EventFilter
from stripe_bridge.use_cases.counting import CheckCounts, FoldCounts
from tests.builders import NOW, TENANT
from tests.contracts.stored import claim, settle, stored_event, stored_invoice


@pytest.mark.parametrize("is_folded", [False, True])
def test_a_total_that_went_wrong_is_set_right_by_a_recount(database_url: str, is_folded: bool):
    engine = create_engine(database_url)
    store = SqlStore(engine)
    integration_id = stored_invoice(store).integration_id
    stored_event(store)
    (event,) = claim(store)
    with store.writing() as work:
        settle(work, event, event.skipped(SkipReason.FOREIGN_OBJECT, NOW))
        work.commit()
    if is_folded:
        assert FoldCounts(store)() == 2
    assert CheckCounts(store)(integration_id) == 0
    with engine.begin() as connection:
        for kind in ("event", "invoice"):
            connection.execute(text(f"UPDATE {kind}_counts SET number = number + 7"))
            connection.execute(text(f"DELETE FROM {kind}_count_changes"))

    assert CheckCounts(store)(integration_id) == 2

    assert CheckCounts(store)(integration_id) == 0
    with store.reading() as work:
        assert work.inbox.page(TENANT, EventFilter(), PageRequest()).total == 1
        assert work.invoices.page(TENANT, integration_id, None, PageRequest()).total == 1
    store.close()

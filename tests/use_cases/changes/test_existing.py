"""Recording what was there before the log: over a store whose objects are all in it."""

from stripe_bridge.ports.storage.changes import Backfill
from stripe_bridge.use_cases.changes.existing import RecordExisting, ShowBackfill
from tests.builders import NOW
from tests.fakes.storage.unit_of_work import FakeStore
from tests.fakes.system import FrozenClock


def test_nothing_is_written_if_none_is_due():
    store = FakeStore()
    assert RecordExisting(store, FrozenClock(NOW))() == 0
    assert store.commits == 0
    assert ShowBackfill(store)() == Backfill(is_complete=True, recorded=0)

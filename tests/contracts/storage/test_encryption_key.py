"""What every store promises about the key in use."""

from datetime import timedelta

from stripe_bridge.ports.storage.unit_of_work import Store
from tests.builders import NOW
from tests.contracts.stored import at_once


def in_use(store: Store) -> str | None:
    with store.reading() as work:
        return work.key_in_use.find()


def use(store: Store, fingerprint: str, days: int = 0) -> None:
    with store.writing() as work:
        work.key_in_use.save(fingerprint, NOW + timedelta(days=days))
        work.commit()


def test_at_first_no_key_is_in_use(store: Store):
    assert in_use(store) is None


def test_the_last_one_that_was_stored_is_in_use(store: Store):
    use(store, "aaaa")
    assert in_use(store) == "aaaa"
    use(store, "bbbb", days=1)
    assert in_use(store) == "bbbb"


def test_what_was_not_committed_is_not_in_use(store: Store):
    with store.writing() as work:
        work.key_in_use.save("aaaa", NOW)
    assert in_use(store) is None


def test_of_several_at_once_one_is_in_use(store: Store):
    fingerprints = [f"key-{number}" for number in range(6)]

    at_once(6, lambda number: use(store, fingerprints[number]))

    assert in_use(store) in fingerprints

"""Every stored secret is sealed again with the newest key, while the service runs."""

from dataclasses import replace

import pytest

from stripe_bridge.use_cases.operations.key_rotation import RotateKeys
from stripe_bridge.use_cases.receivers.encryption_key import EncryptionKey
from tests.builders import a_receiver, a_subscriber, an_integration
from tests.fakes.storage.unit_of_work import FakeStore
from tests.fakes.system import FrozenClock
from tests.fakes.vault import FakeVault

OLD, BOTH, NEW = FakeVault("key-old"), FakeVault("key-new", "key-old"), FakeVault("key-new")
TOKEN, SECRET = "sk_acct", "whsec_1"


@pytest.fixture
def store() -> FakeStore:
    """With a disconnected account, and a token and a signing secret sealed with the old key."""
    store = FakeStore()
    with store.writing() as work:
        work.integrations.add(an_integration(sealed_access_token=OLD.seal(TOKEN)))
        work.integrations.add(an_integration(account_id="acct_2", connected=False, sealed_access_token=None))
        work.receivers.add(a_receiver(sealed_secret=OLD.seal(SECRET)))
        work.commit()
    return store


def rotation(store: FakeStore, vault: FakeVault) -> RotateKeys:
    return RotateKeys(store, vault, EncryptionKey(store, FrozenClock(), vault))


def secrets_of(store: FakeStore) -> list[str | None]:
    tables = store.committed
    tokens = [integration.sealed_access_token for integration in tables.integrations.rows.values()]
    return [*tokens, *(receiver.sealed_secret for receiver in tables.receivers.rows.values())]


def test_what_was_sealed_with_an_old_key_is_sealed_with_the_newest_and_again_is_no_harm(store: FakeStore):
    rotate = rotation(store, BOTH)
    rotate()
    again = rotate()

    token, none, secret = secrets_of(store)
    assert none is None
    assert token is not None
    assert secret is not None
    assert (NEW.open(token), NEW.open(secret)) == (TOKEN, SECRET)
    assert (again.access_tokens, again.signing_secrets, again.is_complete) == (1, 1, True)


def test_rotating_changes_nothing_but_the_seals(store: FakeStore):
    before = store.committed.integrations.rows[1]

    rotation(store, BOTH)()

    after = store.committed.integrations.rows[1]
    assert after != before
    assert after == replace(before, sealed_access_token=after.sealed_access_token, version=before.version + 1)


def test_what_no_key_opens_is_named_and_stays_as_it_is(store: FakeStore):
    before = secrets_of(store)

    done = rotation(store, NEW)()

    assert (done.unreadable_integrations, done.unreadable_receivers) == ([1], [1])
    assert not done.is_complete
    assert secrets_of(store) == before


def test_subscribers_secrets_are_sealed_again_too_those_before_a_rotation_included(store: FakeStore):
    sealed = {"sealed_secret": OLD.seal("new"), "sealed_former_secret": OLD.seal("former")}
    with store.writing() as work:
        work.subscribers.add(a_subscriber(**sealed))
        work.subscribers.add(a_subscriber(sealed_secret="sealed(lost):x"))
        work.commit()
    result = rotation(store, BOTH)()
    assert (result.subscriber_secrets, result.unreadable_subscribers) == (1, [2])
    assert not result.is_complete
    [first, second] = store.committed.subscribers.rows.values()
    assert [NEW.open(each) for each in (first.sealed_secret, str(first.sealed_former_secret))] == [
        "new",
        "former",
    ]
    assert second.sealed_secret == "sealed(lost):x"

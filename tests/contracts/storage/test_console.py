"""What every store promises about the console's links and sessions."""

from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.domain.errors.base import ConsoleSessionNotFound
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.builders import NOW, a_console_link, a_console_session
from tests.contracts.stored import at_once

LATER = NOW + timedelta(minutes=5)


def test_a_link_is_found_by_its_hash_alone_as_it_was_added_and_used(store: Store):
    with store.writing() as work:
        link = work.console_links.add(a_console_link())
        work.console_links.mark_used(link.id, LATER)
        work.commit()
    with store.reading() as work:
        assert work.console_links.find_by_hash(link.token_hash) == replace(link, used_at=LATER)
        assert work.console_links.find_by_hash("other") is None


def test_one_of_many_at_once_uses_a_link_up(store: Store):
    with store.writing() as work:
        link = work.console_links.add(a_console_link())
        work.commit()

    def use(_: int) -> bool:
        with store.writing() as work:
            found = work.console_links.find_by_hash(link.token_hash, lock=True)
            assert found is not None
            work.console_links.mark_used(found.id, NOW)
            work.commit()
        return found.used_at is None

    assert at_once(3, use).count(True) == 1


def test_standing_links_are_replaced_and_never_expire(store: Store):
    with store.writing() as work:
        standing = work.console_links.add(a_console_link(expires_at=None, tenant_id=None, role=None))
        timed = work.console_links.add(a_console_link(token_hash="b"))
        assert work.console_links.remove_expired_before(LATER) == 1
        assert work.console_links.find_by_hash(timed.token_hash) is None
        assert work.console_links.find_by_hash(standing.token_hash) == standing
        work.console_links.remove_standing()
        assert work.console_links.find_by_hash(standing.token_hash) is None


def test_a_session_is_found_by_its_hash_alone_as_it_was_added(store: Store):
    with store.writing() as work:
        session = work.console_sessions.add(a_console_session())
        work.commit()
    with store.reading() as work:
        assert work.console_sessions.find_by_hash(session.token_hash) == session
        assert work.console_sessions.find_by_hash("other") is None


def test_a_session_is_revoked_once(store: Store):
    with store.writing() as work:
        session = work.console_sessions.add(a_console_session())
        revoked = work.console_sessions.revoke(session.id, LATER)
        assert revoked == replace(session, revoked_at=LATER)
        assert work.console_sessions.revoke(session.id, LATER + timedelta(days=1)) == revoked
        with pytest.raises(ConsoleSessionNotFound):
            work.console_sessions.revoke(session.id + 1, LATER)


def test_sessions_are_listed_newest_first_until_they_expire(store: Store):
    with store.writing() as work:
        first, second, _ended = (
            work.console_sessions.add(a_console_session(token_hash=text, expires_at=expires_at))
            for text, expires_at in (("a", LATER), ("b", LATER), ("c", NOW))
        )
        assert work.console_sessions.not_expired(NOW) == [second, first]
        assert work.console_sessions.remove_expired_before(LATER) == 1
        assert work.console_sessions.not_expired(NOW) == [second, first]

"""What every store promises about tokens, OAuth states, integrations and receivers."""

from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.domain.errors.base import IntegrationNotFound, TokenNotFound
from stripe_bridge.domain.errors.conflicts import StaleWrite
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.domain.receiver import PLATFORM_KINDS, ReceiverKind
from stripe_bridge.ports.storage.unit_of_work import AccountInUse, Store
from tests.builders import (
    ACCOUNT,
    NOW,
    TENANT,
    a_panel_session,
    a_pending_integration,
    a_receiver,
    a_token,
    an_account,
    an_integration,
    an_oauth_state,
)
from tests.contracts.stored import at_once, stored_integration

LATER = NOW + timedelta(minutes=5)


def test_a_token_is_found_by_its_hash_alone(store: Store):
    with store.writing() as work:
        token = work.tokens.add(a_token(token_hash="abc", user_id=None))
        assert work.tokens.find_by_hash("abc") == token
        assert work.tokens.find_by_hash("ABC") is None


def test_tokens_are_listed_in_the_order_they_were_made_revoked_ones_too(store: Store):
    with store.writing() as work:
        tokens = [work.tokens.add(a_token(token_hash=text)) for text in ("b", "a", "c")]
        work.tokens.revoke(tokens[0].id, LATER)
        assert [token.token_hash for token in work.tokens.all()] == ["b", "a", "c"]


def test_a_token_is_revoked_once(store: Store):
    with store.writing() as work:
        token = work.tokens.add(a_token())
        revoked = work.tokens.revoke(token.id, LATER)
        assert revoked == replace(token, revoked_at=LATER)
        assert work.tokens.revoke(token.id, LATER + timedelta(days=1)) == revoked
        with pytest.raises(TokenNotFound):
            work.tokens.revoke(token.id + 1, LATER)


def test_a_panel_session_is_found_by_its_hash_alone_as_it_was_added(store: Store):
    with store.writing() as work:
        token = work.tokens.add(a_token())
        session = work.panel_sessions.add(a_panel_session(api_token_id=token.id))
        work.commit()
    with store.reading() as work:
        assert work.panel_sessions.find_by_hash(session.token_hash) == session
        assert work.panel_sessions.find_by_hash("another") is None
        assert work.tokens.find(token.id) == token
        assert work.tokens.find(token.id + 1) is None


def test_panel_sessions_that_have_ended_are_removed(store: Store):
    with store.writing() as work:
        work.panel_sessions.add(a_panel_session(token_hash="old"))
        kept = work.panel_sessions.add(a_panel_session(token_hash="new", expires_at=LATER))
        assert work.panel_sessions.remove_expired_before(LATER) == 1
        assert work.panel_sessions.find_by_hash("old") is None
        assert work.panel_sessions.find_by_hash("new") == kept


def test_an_oauth_state_is_found_by_its_hash_and_saved(store: Store):
    integration = stored_integration(store)
    state = an_oauth_state(integration_id=integration.id)
    with store.writing() as work:
        work.oauth_states.add(state)
        assert work.oauth_states.find("another") is None
        assert work.oauth_states.find(state.state_hash, lock=True) == state
        used = replace(state, consumed_at=LATER, code_hash="5f4dcc3b", connected_at=LATER)
        work.oauth_states.save(used)
        assert work.oauth_states.find(state.state_hash) == used


def test_an_oauth_state_is_found_by_its_confirmation(store: Store):
    integration = stored_integration(store)
    waiting = an_oauth_state(
        state_hash="1",
        integration_id=integration.id,
        consumed_at=NOW,
        needs_confirmation=True,
        sealed_code="sealed",
        confirmation_hash="abc",
    )
    with store.writing() as work:
        work.oauth_states.add(an_oauth_state(state_hash="2", integration_id=integration.id))
        work.oauth_states.add(an_oauth_state(state_hash="3", integration_id=integration.id))
        work.oauth_states.add(waiting)
        assert work.oauth_states.find_by_confirmation("abc", lock=True) == waiting
        assert work.oauth_states.find_by_confirmation("another") is None


def test_oauth_states_that_expired_before_a_moment_are_removed(store: Store):
    integration = stored_integration(store)
    with store.writing() as work:
        for hours in (0, 1, 2):
            expires_at = NOW + timedelta(hours=hours)
            state = an_oauth_state(
                state_hash=str(hours), integration_id=integration.id, expires_at=expires_at
            )
            work.oauth_states.add(state)
        assert work.oauth_states.remove_expired_before(NOW + timedelta(hours=1)) == 1
        assert [work.oauth_states.find(str(hours)) is None for hours in (0, 1, 2)] == [True, False, False]


@pytest.mark.parametrize(
    "integration", [an_integration(), a_pending_integration()], ids=lambda each: each.sync_status
)
def test_an_integration_comes_back_as_it_was_stored(store: Store, integration):
    with store.writing() as work:
        stored = work.integrations.add(integration)
        work.commit()
    with store.reading() as work:
        assert work.integrations.get(TENANT, stored.id) == stored
        assert work.integrations.find(stored.id) == stored
        assert replace(stored, id=integration.id) == integration


def test_another_tenants_integration_is_not_found(store: Store):
    integration = stored_integration(store)
    with store.reading() as work, pytest.raises(IntegrationNotFound):
        work.integrations.get("other", integration.id)


def test_saving_counts_the_version_and_refuses_a_stale_one(store: Store):
    read = stored_integration(store)
    with store.writing() as work:
        work.integrations.find(read.id)
        saved = work.integrations.save(replace(read, name="Renamed"))
        assert saved == replace(read, name="Renamed", version=read.version + 1)
        assert work.integrations.get(TENANT, read.id, lock=True) == saved
        work.commit()
    with store.writing() as work:
        work.integrations.find(read.id)
        with pytest.raises(StaleWrite):
            work.integrations.save(replace(read, name="Too late"))


def test_an_account_is_connected_once_over_all_tenants(store: Store):
    stored_integration(store)
    with store.writing() as work:
        with pytest.raises(AccountInUse):
            work.integrations.add(an_integration(tenant_id="other"))
        other = work.integrations.add(a_pending_integration(tenant_id="other"))
        connecting = other.connect(
            snapshot=an_account(), livemode=False, sealed_access_token="sealed", now=NOW
        )
        work.integrations.find(connecting.id)
        with pytest.raises(AccountInUse):
            work.integrations.save(connecting)
        # The unit of work goes on.
        assert work.integrations.get("other", other.id) == other
        work.commit()


def test_a_disconnected_account_may_be_connected_again(store: Store):
    first = stored_integration(store)
    with store.writing() as work:
        work.integrations.find(first.id)
        work.integrations.save(first.disconnect(LATER))
        work.commit()
    assert stored_integration(store, tenant_id="other").connected


def test_an_account_leads_to_the_integration_connected_to_it_else_the_last_that_was(store: Store):
    def found() -> int | None:
        with store.reading() as work:
            integration = work.integrations.find_by_account(ACCOUNT)
        return None if integration is None else integration.id

    assert found() is None
    with store.writing() as work:
        late, early = (
            work.integrations.add(
                an_integration(connected=False, disconnected_at=LATER + timedelta(hours=hours))
            )
            for hours in (2, 1)
        )
        work.commit()
    assert found() == late.id
    connected = stored_integration(store)
    assert found() == connected.id
    with store.writing() as work:
        work.integrations.find(connected.id)
        work.integrations.save(connected.disconnect(LATER))
        work.commit()
    assert found() == late.id != early.id


def test_names_are_found_for_the_ids_that_exist(store: Store):
    one = stored_integration(store, name="One")
    with store.reading() as work:
        assert work.integrations.names_of([one.id, one.id + 100]) == {one.id: "One"}
        assert work.integrations.names_of([]) == {}


def test_integrations_are_paged_newest_first_within_the_tenant(store: Store):
    ids = [stored_integration(store, account_id=f"acct_{number}").id for number in range(5)]
    stored_integration(store, account_id="acct_other", tenant_id="other")
    with store.reading() as work:
        first = work.integrations.page(TENANT, PageRequest(per_page=2))
        last = work.integrations.page(TENANT, PageRequest(per_page=2, page=3))
        beyond = work.integrations.page(TENANT, PageRequest(per_page=2, page=4))
    assert [each.id for each in first.items] == [ids[4], ids[3]]
    assert (first.total, first.next_cursor is not None) == (5, True)
    assert [each.id for each in last.items] == [ids[0]]
    assert last.next_cursor is None
    assert (list(beyond.items), beyond.total, beyond.next_cursor) == ([], 5, None)


def test_a_cursor_walks_all_of_them_once(store: Store):
    ids = [stored_integration(store, account_id=f"acct_{number}").id for number in range(5)]
    walked, cursor = [], None
    with store.reading() as work:
        while True:
            page = work.integrations.page(TENANT, PageRequest.of(page=None, per_page=2, cursor=cursor))
            walked += [each.id for each in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
    assert walked == ids[::-1]
    assert page.total is None


def test_of_simultaneous_connections_to_one_account_one_succeeds(store: Store):
    outcomes = at_once(8, lambda number: stored_integration(store, tenant_id=f"tenant-{number}"))
    refused = [outcome for outcome in outcomes if isinstance(outcome, AccountInUse)]
    assert len(refused) == 7


def test_receivers_are_found_by_kind_and_by_integration(store: Store):
    integration = stored_integration(store)
    with store.writing() as work:
        platform = work.receivers.add(a_receiver())
        connect = work.receivers.add(a_receiver(kind=ReceiverKind.CONNECT, stripe_endpoint_id="we_2"))
        own = work.receivers.add(
            a_receiver(kind=ReceiverKind.ACCOUNT, integration_id=integration.id, stripe_endpoint_id=None)
        )
        work.commit()
    with store.reading() as work:
        assert work.receivers.of_kinds([ReceiverKind.PLATFORM, ReceiverKind.CONNECT]) == [platform, connect]
        assert work.receivers.of_kinds([]) == []
        assert work.receivers.of_integration(integration.id) == [own]
    with store.writing() as work:
        assert work.receivers.find(own.id, lock=True) == own
        assert work.receivers.find(own.id + 1) is None


def test_those_with_a_token_are_found_over_all_tenants(store: Store):
    ours = stored_integration(store)
    theirs = stored_integration(store, tenant_id="other", account_id="acct_2")
    stored_integration(store, account_id="acct_3", connected=False, sealed_access_token=None)
    with store.reading() as work:
        assert work.integrations.with_tokens() == [ours.id, theirs.id]


@pytest.mark.parametrize("kind", PLATFORM_KINDS)
def test_of_each_of_the_platforms_kinds_there_is_one_receiver(store: Store, kind: ReceiverKind):
    def add(number: int) -> None:
        with store.writing() as work:
            work.receivers.add(a_receiver(kind=kind, stripe_endpoint_id=f"we_{number}"))
            work.commit()

    outcomes = at_once(4, add)

    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, StaleWrite) for outcome in outcomes) == 3


def test_a_receiver_is_changed_and_removed(store: Store):
    with store.writing() as work:
        receiver = work.receivers.add(a_receiver())
        changed = replace(receiver, enabled=False, checked_at=LATER)
        work.receivers.save(changed)
        assert work.receivers.of_kinds([ReceiverKind.PLATFORM]) == [changed]
        work.receivers.remove(receiver.id)
        assert work.receivers.of_kinds([ReceiverKind.PLATFORM]) == []

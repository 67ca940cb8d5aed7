"""How an account is connected and disconnected."""

from datetime import timedelta

import pytest

from stripe_bridge.domain.errors.conflicts import AlreadyConnected
from stripe_bridge.domain.errors.rules import IntegrationNotConnected, IntegrationRestricted
from stripe_bridge.domain.integration import STATE_LIFETIME, AuthorizationFailure, SyncStatus
from tests.builders import (
    ACCOUNT,
    NOW,
    a_pending_integration,
    an_account,
    an_integration,
    an_oauth_state,
)

LATER = NOW + timedelta(days=1)
RESTRICTED = an_account(charges_enabled=False)


@pytest.mark.parametrize(
    ("integration", "status"),
    [
        (a_pending_integration(), SyncStatus.PENDING),
        (an_integration(), SyncStatus.ACTIVE),
        (an_integration(snapshot=RESTRICTED), SyncStatus.RESTRICTED),
        (an_integration(snapshot=None), SyncStatus.RESTRICTED),
        (an_integration().disconnect(LATER), SyncStatus.DISCONNECTED),
    ],
)
def test_its_status_shows_how_far_it_has_come(integration, status):
    assert integration.sync_status is status


def test_only_an_active_one_can_charge():
    assert an_integration().require_chargeable_account() == ACCOUNT
    for disconnected in (a_pending_integration(), an_integration().disconnect(LATER)):
        with pytest.raises(IntegrationNotConnected):
            disconnected.require_chargeable_account()
    with pytest.raises(IntegrationRestricted):
        an_integration(snapshot=RESTRICTED).require_chargeable_account()


def test_disconnecting_deletes_the_token_and_keeps_the_snapshot():
    gone = an_integration().disconnect(LATER)
    assert gone.sealed_access_token is None
    assert gone.stripe_account_id is None
    assert gone.account_id == ACCOUNT
    assert gone.snapshot == an_account()
    assert gone.disconnected_at == LATER


@pytest.mark.parametrize("integration", [a_pending_integration(), an_integration().disconnect(NOW)])
def test_what_is_not_connected_is_left_as_it_is(integration):
    assert integration.disconnect(LATER) is integration


def test_it_is_connected_once_at_a_time():
    def connect(integration):
        return integration.connect(
            snapshot=an_account(), livemode=True, sealed_access_token="sealed", now=LATER
        )

    with pytest.raises(AlreadyConnected):
        connect(an_integration())
    again = connect(an_integration().disconnect(NOW))
    assert (again.connected, again.disconnected_at, again.livemode) == (True, None, True)


def test_the_same_snapshot_again_changes_nothing():
    integration = an_integration()
    assert integration.refresh(an_account(), LATER) is integration
    assert integration.refresh(RESTRICTED, LATER).updated_at == LATER


def test_a_state_is_good_once_and_for_ten_minutes():
    state = an_oauth_state(expires_at=NOW + STATE_LIFETIME)
    assert state.refusal(NOW + STATE_LIFETIME - timedelta(microseconds=1)) is None
    assert state.refusal(NOW + STATE_LIFETIME) is AuthorizationFailure.STATE_EXPIRED
    assert an_oauth_state(consumed_at=NOW).refusal(LATER) is AuthorizationFailure.STATE_USED

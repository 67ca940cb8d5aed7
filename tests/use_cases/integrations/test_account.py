"""A connected account's snapshot is refreshed, and an account whose access was revoked is left."""

import pytest

from stripe_bridge.domain.integration import Integration, SyncStatus
from stripe_bridge.domain.reconciliation import Drift, ReconcileProgress
from stripe_bridge.ports.stripe.errors import AccessRevoked, OutcomeUnknown
from stripe_bridge.use_cases.integrations.account import RefreshAccount
from tests.builders import TENANT
from tests.world import World


def refresh(world: World, progress: ReconcileProgress | None = None) -> bool:
    refresh_account = RefreshAccount(world.store, world.clock, world.adapters.connect_gateway)
    return refresh_account(world.integration_id, progress or ReconcileProgress())


def integration(world: World) -> Integration:
    found: Integration = world.bridge.integrations.show(TENANT, world.integration_id).integration
    return found


def test_a_changed_snapshot_is_stored_and_counted_as_drift(world: World):
    world.stripe.change_account(world.account_id, charges_enabled=False)
    progress = ReconcileProgress()

    assert refresh(world, progress)

    assert integration(world).sync_status is SyncStatus.RESTRICTED
    assert progress.drift == {Drift.ACCOUNT_DIFFERS: 1}


def test_the_same_snapshot_writes_nothing(world: World):
    before, progress = integration(world), ReconcileProgress()

    assert refresh(world, progress)

    assert integration(world) == before
    assert not progress.drift


def test_revoked_access_disconnects_and_removes_token_and_own_receivers():
    world = World()
    world.allow_own_endpoints()
    world.connect()
    world.stripe.revoke(world.account_id)

    assert not refresh(world)

    left = integration(world)
    assert (left.connected, left.sealed_access_token) == (False, None)
    with world.store.reading() as work:
        assert not work.receivers.of_integration(world.integration_id)


def test_an_account_that_does_not_answer_stays_connected(world: World):
    world.stripe.fail_next("account", OutcomeUnknown("no answer"))

    with pytest.raises(OutcomeUnknown):
        refresh(world)

    assert integration(world).connected


def test_a_refusal_from_before_a_reconnect_disconnects_nothing(world: World):
    def connected_again() -> None:
        world.bridge.integrations.disconnect(TENANT, world.integration_id)
        world.connect(world.account_id, into=world.integration_id)
        world.stripe.fail_next("account", AccessRevoked("no access"))

    world.stripe.before_next("account", connected_again)

    assert refresh(world)

    assert integration(world).connected


def test_an_integration_without_an_account_needs_no_call(world: World):
    world.bridge.integrations.disconnect(TENANT, world.integration_id)
    calls = world.calls()

    assert refresh(world)

    assert world.calls() == calls

"""What events of connected accounts change, and what they do not."""

from stripe_bridge.domain.integration import SyncStatus
from stripe_bridge.domain.webhook_event import SkipReason
from stripe_bridge.use_cases.webhook_events.handlers.handler import NeedsRefetch
from tests.builders import TENANT
from tests.fakes.stripe import payloads
from tests.use_cases.webhook_events.handlers.events import fetched_earlier, newest
from tests.world import CLIENT_ID, Event, World


def test_accounts_are_followed_to_their_present_state_whatever_the_payload_says(world: World):
    world.stripe.change_account(world.account_id, charges_enabled=False)
    payload = payloads.account_object(world.stripe.accounts[world.account_id].snapshot)
    world.stripe.change_account(world.account_id, charges_enabled=True, country="AT")

    world.deliver([world.event("account.updated", payload)])

    integration = world.bridge.integrations.show(TENANT, world.integration_id).integration
    assert (integration.sync_status, integration.snapshot.country) == (SyncStatus.ACTIVE, "AT")


def test_an_account_as_it_was_before_others_changed_it_is_not_taken_for_its_present_state(world: World):
    def updated(*, charges_enabled: bool) -> Event:
        world.stripe.change_account(world.account_id, charges_enabled=charges_enabled)
        return world.event(
            "account.updated", payloads.account_object(world.stripe.accounts[world.account_id].snapshot)
        )

    version = world.bridge.integrations.show(TENANT, world.integration_id).integration.version
    able = fetched_earlier(world, updated(charges_enabled=True), version)
    world.deliver([updated(charges_enabled=False)])

    able()

    integration = world.bridge.integrations.show(TENANT, world.integration_id).integration
    assert integration.sync_status is SyncStatus.RESTRICTED


def test_an_account_that_may_no_longer_charge_is_restricted(world: World):
    world.stripe.change_account(world.account_id, charges_enabled=False)
    payload = payloads.account_object(world.stripe.accounts[world.account_id].snapshot)

    world.deliver([world.event("account.updated", payload)])

    integration = world.bridge.integrations.show(TENANT, world.integration_id).integration
    assert integration.sync_status is SyncStatus.RESTRICTED


def deauthorized(world: World, client_id: str = CLIENT_ID):
    return world.event("account.application.deauthorized", payloads.application_object(client_id))


def test_a_merchant_who_revokes_our_access_disconnects_the_integration(world: World):
    world.stripe.revoke(world.account_id)

    world.deliver([deauthorized(world)])

    integration = world.bridge.integrations.show(TENANT, world.integration_id).integration
    assert (integration.connected, integration.sealed_access_token) == (False, None)
    assert newest(world).related_object_id == world.account_id


def test_a_deauthorization_older_than_a_reconnect_is_not_believed(world: World):
    world.deliver([deauthorized(world)])

    assert world.bridge.integrations.show(TENANT, world.integration_id).integration.connected
    assert newest(world).skip_reason is SkipReason.STILL_CONNECTED


def test_a_probe_from_before_a_reconnect_disconnects_nothing(world: World):
    version = world.bridge.integrations.show(TENANT, world.integration_id).integration.version
    world.stripe.revoke(world.account_id)
    apply = fetched_earlier(world, deauthorized(world), version)
    world.bridge.integrations.disconnect(TENANT, world.integration_id)
    world.connect(world.account_id, into=world.integration_id)

    assert isinstance(apply(), NeedsRefetch)
    assert world.bridge.integrations.show(TENANT, world.integration_id).integration.connected


def test_another_applications_deauthorization_is_skipped(world: World):
    world.stripe.revoke(world.account_id)

    world.deliver([deauthorized(world, "ca_other")])

    assert world.bridge.integrations.show(TENANT, world.integration_id).integration.connected
    assert newest(world).skip_reason is SkipReason.OTHER_APPLICATION


def test_our_own_deauthorization_comes_back_as_an_event_that_changes_nothing(world: World):
    world.bridge.integrations.disconnect(TENANT, world.integration_id)
    before = world.bridge.integrations.show(TENANT, world.integration_id)

    world.deliver([deauthorized(world)])

    assert world.bridge.integrations.show(TENANT, world.integration_id) == before

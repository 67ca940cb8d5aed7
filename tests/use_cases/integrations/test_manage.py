from urllib.parse import parse_qs, urlsplit

import pytest

from stripe_bridge.domain.errors.base import IntegrationNotFound
from stripe_bridge.domain.integration import SyncStatus
from stripe_bridge.domain.paging import PageRequest
from tests.builders import TENANT
from tests.world import World


def test_a_new_integration_is_pending_and_of_our_keys_livemode():
    for key, livemode in (("sk_test_1", False), ("sk_live_1", True)):
        view = World(STRIPE_SECRET_KEY=key).bridge.integrations.create(TENANT, "Shop")

        assert view.integration.sync_status is SyncStatus.PENDING
        assert view.integration.livemode is livemode
        assert not view.webhook_registered


def test_another_tenants_integration_is_not_there(world: World):
    with pytest.raises(IntegrationNotFound):
        world.bridge.integrations.show("other", world.integration_id)


def test_integrations_are_listed_newest_first_each_tenants_own(world: World):
    world.add_integration(tenant="other")
    second = world.add_integration()

    listed = world.bridge.integrations.list(TENANT, PageRequest()).items

    assert [view.integration.id for view in listed] == [second, world.integration_id]


def test_the_merchant_is_sent_to_stripe_with_a_state_of_which_only_the_hash_is_stored(world: World):
    integration_id = world.add_integration()

    query = parse_qs(urlsplit(world.bridge.integrations.authorize(TENANT, integration_id)).query)

    assert query["redirect_uri"] == ["https://bridge.test/api/stripe/oauth/callback"]
    assert query["state"][0] not in world.store.committed.oauth_states.rows


def test_webhooks_are_registered_once_the_platform_has_an_enabled_connect_endpoint(world: World):
    def is_registered() -> bool:
        registered: bool = world.bridge.integrations.show(TENANT, world.integration_id).webhook_registered
        return registered

    assert not is_registered()
    world.bridge.receivers.register()
    assert is_registered()


def test_a_disconnected_integration_has_no_registered_webhooks(world: World):
    world.bridge.receivers.register()
    world.bridge.integrations.disconnect(TENANT, world.integration_id)

    assert not world.bridge.integrations.show(TENANT, world.integration_id).webhook_registered

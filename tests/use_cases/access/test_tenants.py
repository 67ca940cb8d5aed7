from stripe_bridge.domain.access import Role
from tests.world import World


def test_a_tenant_is_who_has_a_token_or_an_integration():
    world = World()
    assert world.bridge.access.list_tenants() == []
    world.bridge.access.create_token(tenant_id="b", role=Role.VIEWER, user_id=None, label="")
    world.bridge.access.create_token(tenant_id="b", role=Role.ADMIN, user_id=None, label="")
    world.add_integration("a")
    assert world.bridge.access.list_tenants() == ["a", "b"]

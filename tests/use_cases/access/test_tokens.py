import pytest

from stripe_bridge.domain.access import Role
from stripe_bridge.domain.errors.base import TokenNotFound, Unauthenticated
from tests.builders import TENANT
from tests.world import World


def issue(world: World, **changes):
    shown = {"tenant_id": TENANT, "role": Role.MEMBER, "user_id": 7, "label": "ERP"} | changes
    return world.bridge.access.create_token(**shown)


def test_a_token_acts_for_its_tenant_role_and_user():
    world = World()
    issued = issue(world)

    principal = world.bridge.access.authenticate(issued.secret)

    assert (principal.tenant_id, principal.role, principal.user_id) == (TENANT, Role.MEMBER, 7)


def test_only_a_tokens_hash_is_stored_and_its_secret_is_in_no_repr():
    world = World()
    issued = issue(world)

    assert issued.secret not in repr(issued)
    assert issued.secret not in repr(world.store.committed.tokens.rows)


@pytest.mark.parametrize("secret", ["", "sbt_made_up", "\udcff"])
def test_a_token_that_was_never_issued_opens_nothing(secret: str):
    with pytest.raises(Unauthenticated):
        World().bridge.access.authenticate(secret)


def test_a_revoked_token_opens_nothing_any_more_and_stays_listed():
    world = World()
    revoked, other = issue(world), issue(world, user_id=None)

    world.bridge.access.revoke_token(revoked.token.id)

    with pytest.raises(Unauthenticated):
        world.bridge.access.authenticate(revoked.secret)
    assert world.bridge.access.authenticate(other.secret).user_id is None
    assert [token.id for token in world.bridge.access.list_tokens()] == [revoked.token.id, other.token.id]


def test_revoking_again_keeps_the_first_time_and_an_unknown_token_is_refused():
    world = World()
    token = issue(world).token
    first = world.bridge.access.revoke_token(token.id)
    world.clock.advance(seconds=60)

    assert world.bridge.access.revoke_token(token.id) == first
    with pytest.raises(TokenNotFound):
        world.bridge.access.revoke_token(404)

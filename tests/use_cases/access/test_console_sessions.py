from datetime import timedelta

import pytest

from stripe_bridge.domain.access import Permission, Role
from stripe_bridge.domain.console_session import SESSION_LIFETIME, Person
from stripe_bridge.domain.errors.base import Unauthenticated
from stripe_bridge.domain.origin import Actor, ActorType
from stripe_bridge.use_cases.access.console_sessions import BeginConsoleSession, BegunConsoleSession
from tests.builders import TENANT
from tests.world import World

JANE = Person(name="jane", tenant_id=TENANT, role=Role.MEMBER, user_id=9, is_vouched_for=True)
OLGA = Person(name="olga")


def begin(world: World, person: Person = JANE) -> BegunConsoleSession:
    begun: BegunConsoleSession = BeginConsoleSession(world.store, world.clock, world.adapters.identifiers)(
        person
    )
    return begun


def test_a_session_acts_for_its_tenant_in_its_role():
    world = World()
    session = world.bridge.access.authenticate_console(begin(world).secret)
    principal = session.principal_for(TENANT)
    assert (principal.tenant_id, principal.role, principal.user_id) == (TENANT, Role.MEMBER, 9)
    assert principal.permissions == session.permissions == Role.MEMBER.permissions


def test_an_operator_may_do_everything_for_every_tenant():
    world = World()
    session = world.bridge.access.authenticate_console(begin(world, OLGA).secret)
    assert session.permissions == set(Permission)
    assert session.principal_for("anyone").tenant_id == "anyone"


def test_who_acts_is_the_identity_providers_user_or_the_one_whom_an_operator_let_in():
    world = World()
    known = begin(world).session.principal_for(TENANT).actor
    assert known == Actor(type=ActorType.USER, id="jane", user_id=9)
    by_link = Person(name="jane", tenant_id=TENANT, role=Role.MEMBER)
    for person in (by_link, OLGA, Person(name="olga", is_vouched_for=True)):
        actor = begin(world, person).session.principal_for(TENANT).actor
        assert actor == Actor(type=ActorType.OPERATOR, id=person.name)


def test_only_a_sessions_hash_is_stored_and_its_secret_is_in_no_repr():
    world = World()
    begun = begin(world)
    assert begun.secret not in repr(begun)
    assert begun.secret not in repr(world.store.committed.console_sessions.rows)


def test_a_session_ends_after_eight_hours_and_is_forgotten_a_day_later():
    world = World()
    begun = begin(world)
    world.clock.advance(SESSION_LIFETIME)
    with pytest.raises(Unauthenticated):
        world.bridge.access.authenticate_console(begun.secret)
    assert world.bridge.access.purge_console() == 0
    world.clock.advance(timedelta(days=1, seconds=1))
    assert world.bridge.access.purge_console() == 1


def test_a_session_that_is_revoked_ends_at_once_and_is_still_listed():
    world = World()
    begun, other = begin(world), begin(world, OLGA)
    world.bridge.access.revoke_console_session(begun.session.id)
    with pytest.raises(Unauthenticated):
        world.bridge.access.authenticate_console(begun.secret)
    assert world.bridge.access.authenticate_console(other.secret).name == "olga"
    listed = world.bridge.access.list_console_sessions()
    assert [(each.name, each.revoked_at is None) for each in listed] == [("olga", True), ("jane", False)]


def test_each_session_has_a_secret_of_its_own():
    world = World()
    assert begin(world).secret != begin(world).secret


def test_what_was_never_issued_opens_nothing():
    for secret in ("", "sbc_made_up", "\udcff"):
        with pytest.raises(Unauthenticated):
            World().bridge.access.authenticate_console(secret)

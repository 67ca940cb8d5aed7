import pytest

from stripe_bridge.domain.access import Role
from stripe_bridge.domain.console_session import LINK_LIFETIME
from stripe_bridge.domain.errors.base import Unauthenticated
from stripe_bridge.domain.errors.rules import StandingLinkNotAllowed
from stripe_bridge.use_cases.access import Access, build_access
from stripe_bridge.use_cases.access.console_links import CreateConsoleLinkCommand, IssuedConsoleLink
from tests.builders import TENANT
from tests.world import ENVIRONMENT, World

HERE = "http://127.0.0.1:8000"


def issue(access: Access, *, standing: bool = False) -> IssuedConsoleLink:
    command = CreateConsoleLinkCommand(name="olga", standing=standing)
    issued: IssuedConsoleLink = access.create_console_link(command)
    return issued


def secret_of(issued: IssuedConsoleLink) -> str:
    return issued.url.partition("#")[2]


def test_a_link_begins_with_the_public_url_and_has_its_token_in_the_fragment():
    world = World()
    issued = issue(world.bridge.access)
    assert issued.url.startswith(f"{ENVIRONMENT['PUBLIC_URL']}/console/sign-in#sbl_")


def test_only_a_links_hash_is_stored_and_its_address_is_in_no_repr():
    world = World()
    issued = issue(world.bridge.access)
    assert secret_of(issued) not in repr(world.store.committed.console_links.rows)
    assert secret_of(issued) not in repr(issued)


def test_a_link_works_once():
    world = World()
    secret = secret_of(issue(world.bridge.access))
    world.bridge.access.sign_in_by_link(secret)
    with pytest.raises(Unauthenticated):
        world.bridge.access.sign_in_by_link(secret)


def test_a_link_works_for_five_minutes():
    world = World()
    secret = secret_of(issue(world.bridge.access))
    world.clock.advance(LINK_LIFETIME)
    with pytest.raises(Unauthenticated):
        world.bridge.access.sign_in_by_link(secret)


def test_whom_a_link_is_for_is_who_signs_in():
    access = World().bridge.access
    command = CreateConsoleLinkCommand(name="jane", tenant_id=TENANT, role=Role.MEMBER)
    session = access.sign_in_by_link(secret_of(access.create_console_link(command))).session
    assert (session.name, session.tenant_id, session.role) == ("jane", TENANT, Role.MEMBER)


def test_a_standing_link_works_until_the_next_one_is_made():
    world = World()
    access = build_access(world.adapters, public_url=HERE)
    secret = secret_of(issue(access, standing=True))
    world.clock.advance(LINK_LIFETIME * 100)
    assert access.purge_console() == 0
    for _ in range(2):
        assert access.sign_in_by_link(secret).session.is_operator
    issue(access, standing=True)
    with pytest.raises(Unauthenticated):
        access.sign_in_by_link(secret)


def test_a_standing_link_is_of_no_use_where_others_can_reach_the_service():
    world = World()
    secret = secret_of(issue(build_access(world.adapters, public_url=HERE), standing=True))
    with pytest.raises(StandingLinkNotAllowed):
        issue(world.bridge.access, standing=True)
    with pytest.raises(Unauthenticated):
        world.bridge.access.sign_in_by_link(secret)

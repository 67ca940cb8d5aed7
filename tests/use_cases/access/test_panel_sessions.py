from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.domain.access import Permission, Principal, Role
from stripe_bridge.domain.errors.base import Forbidden, Unauthenticated
from stripe_bridge.domain.errors.values import OriginInvalid, UserNotTokens
from stripe_bridge.domain.panel_session import LIFETIME, PanelAction
from stripe_bridge.use_cases.access.panel_sessions import CreatePanelSessionCommand, IssuedPanelSession
from tests.builders import TENANT
from tests.world import World

ERP = "https://erp.example.com"


def creator(world: World, role: Role = Role.POWER_USER, user_id: int | None = None) -> Principal:
    token = world.bridge.access.create_token(tenant_id=TENANT, role=role, user_id=user_id, label="ERP")
    principal: Principal = token.token.principal
    return principal


def issue(world: World, by: Principal, **changes) -> IssuedPanelSession:
    command = CreatePanelSessionCommand(creator=by, sales_order_id=501, origin=ERP)
    issued: IssuedPanelSession = world.bridge.access.create_panel_session(replace(command, **changes))
    return issued


def test_a_session_acts_for_its_creator_on_one_order():
    world = World()
    by = creator(world)
    principal = world.bridge.access.authenticate_panel_session(issue(world, by, user_id=9).secret)
    assert (principal.tenant_id, principal.token_id, principal.user_id) == (TENANT, by.token_id, 9)
    assert (principal.panel.sales_order_id, principal.panel.origin) == (501, ERP)


def test_only_a_sessions_hash_is_stored_and_its_secret_is_in_no_repr():
    world = World()
    issued = issue(world, creator(world))
    assert issued.secret not in repr(issued)
    assert issued.secret not in repr(world.store.committed.panel_sessions.rows)


def test_a_session_ends_after_ten_minutes_and_is_forgotten_a_day_later():
    world = World()
    issued = issue(world, creator(world))
    world.clock.advance(LIFETIME)
    with pytest.raises(Unauthenticated):
        world.bridge.access.authenticate_panel_session(issued.secret)
    assert world.bridge.access.purge_panel_sessions() == 0
    world.clock.advance(timedelta(days=1, seconds=1))
    assert world.bridge.access.purge_panel_sessions() == 1


def test_a_session_ends_with_the_credential_that_created_it():
    world = World()
    by = creator(world)
    soon = world.clock.now() + timedelta(minutes=2)
    jwt = replace(by, token_id="jwt:acme:u1", subject="u1", api_token_id=None, expires_at=soon)
    assert issue(world, jwt).session.expires_at == soon
    issued = issue(world, by)
    world.bridge.access.revoke_token(by.api_token_id)
    with pytest.raises(Unauthenticated):
        world.bridge.access.authenticate_panel_session(issued.secret)


def test_a_session_can_do_no_more_than_its_token_still_may():
    world = World()
    by = creator(world, Role.ADMIN)
    issued = issue(world, by)
    rows = world.store.committed.tokens.rows
    world.store.committed.tokens.rows = {id_: replace(token, role=Role.VIEWER) for id_, token in rows.items()}
    principal = world.bridge.access.authenticate_panel_session(issued.secret)
    assert principal.permissions == {Permission.READ}


def test_a_session_that_could_do_more_than_its_creator_is_not_created():
    world = World()
    with pytest.raises(Forbidden):
        issue(world, creator(world, Role.MEMBER), can=frozenset({PanelAction.REFUND}))


def test_a_session_can_always_read():
    world = World()
    by = creator(world)
    assert issue(world, by, can=frozenset()).session.can == {PanelAction.READ}
    assert issue(world, by, can=frozenset({PanelAction.VOID})).session.can == {
        PanelAction.READ,
        PanelAction.VOID,
    }


def test_a_token_that_acts_for_a_user_makes_sessions_for_no_other():
    world = World()
    by = creator(world, user_id=7)
    assert issue(world, by).session.user_id == 7
    with pytest.raises(UserNotTokens):
        issue(world, by, user_id=8)


def test_a_session_is_for_an_origin_that_browsers_send():
    world = World()
    with pytest.raises(OriginInvalid):
        issue(world, creator(world), origin="https://erp.example.com/orders")


def test_what_was_never_issued_opens_nothing():
    with pytest.raises(Unauthenticated):
        World().bridge.access.authenticate_panel_session("sbp_made_up")

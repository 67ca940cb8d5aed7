import re

import pytest

from stripe_bridge.adapters.web.app import operations_by_endpoint
from stripe_bridge.domain.access import Permission, Role
from tests.adapters.web.world import data_of, problem


@pytest.mark.parametrize("role", Role)
def test_a_caller_learns_for_whom_it_acts_and_what_it_may_do(world, role):
    assert data_of(world.ask("GET", "/api/me", role=role)) == {
        "tenant": "acme",
        "role": role.value,
        "user_id": 7,
        "permissions": sorted(permission.value for permission in role.permissions),
    }


@pytest.mark.parametrize("role", Role)
def test_what_a_caller_is_told_is_what_is_then_allowed(world, role):
    told = data_of(world.ask("GET", "/api/me", role=role))["permissions"]
    for operation in operations_by_endpoint().values():
        if operation.permission is not None:
            path = re.sub(r"<id:\w+>", "1", operation.path)
            is_forbidden = (
                world.ask(operation.method, path, **world.credential(operation, role)).status_code == 403
            )
            assert is_forbidden == (operation.permission.value not in told), operation.id


def test_a_token_may_act_for_nobody(world):
    issued = world.bridge.access.create_token(tenant_id="acme", role=Role.VIEWER, user_id=None, label="")
    me = data_of(world.ask("GET", "/api/me", token=issued.secret))
    assert (me["user_id"], me["permissions"]) == (None, [Permission.READ.value])


def test_nobody_is_told_anything_without_a_token(world):
    problem(world.client.get("/api/me"), 401)

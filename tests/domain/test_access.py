"""Who may do what."""

import pytest

from stripe_bridge.domain.access import Permission, Principal, Role
from stripe_bridge.domain.errors.base import Forbidden
from tests.builders import a_token

READS = {Permission.READ}
SENDS = READS | {Permission.SEND_INVOICES, Permission.VOID_INVOICES}
MANAGES = SENDS | {
    Permission.HOLD_SENDS,
    Permission.MANAGE_INTEGRATIONS,
    Permission.READ_PAYLOADS,
    Permission.REFUND_INVOICES,
    Permission.REPLAY_EVENTS,
    Permission.RESOLVE_INTENTS,
    Permission.WRITE_SALES_ORDERS,
}


@pytest.mark.parametrize(
    ("role", "permissions"),
    [
        (Role.VIEWER, READS),
        (Role.MEMBER, SENDS),
        (Role.POWER_USER, MANAGES),
        (Role.ADMIN, set(Permission) - {Permission.OPERATE}),
    ],
)
def test_a_role_may_do_exactly_this(role, permissions):
    principal = Principal(tenant_id="acme", role=role, user_id=None, token_id="token:1")
    for permission in permissions:
        principal.check(permission)
    for permission in set(Permission) - permissions:
        with pytest.raises(Forbidden):
            principal.check(permission)


def test_a_token_acts_for_its_tenant_role_and_user():
    principal = a_token(id=9, role=Role.ADMIN, user_id=3).principal
    assert principal == Principal(
        tenant_id="acme", role=Role.ADMIN, user_id=3, token_id="token:9", api_token_id=9
    )

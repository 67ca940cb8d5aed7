"""Requests that were denied."""

from datetime import timedelta

from stripe_bridge.domain.access import Permission, Principal, Role
from stripe_bridge.domain.changes.entry import Entry
from tests.builders import TENANT
from tests.world import World

VIEWER = Principal(tenant_id=TENANT, role=Role.VIEWER, user_id=None, token_id="token:9")


def denials(world: World) -> list[Entry]:
    with world.store.reading() as work:
        page = work.changes.page(TENANT, 0, 1000)
    return [entry for entry in page if entry.type == "request.denied"]


def test_a_denied_refund_is_recorded_and_a_denied_read_is_not(world: World):
    world.bridge.access.record_denial(VIEWER, Permission.REFUND_INVOICES, "issue_refund", "/api/x")
    world.bridge.access.record_denial(VIEWER, Permission.READ_PAYLOADS, "show_event", "/api/y")
    (denied,) = denials(world)
    shown = denied.shown()
    assert shown["object"] == {"operation": "issue_refund", "path": "/api/x"}
    assert shown["count"] == 1


def test_the_same_denial_is_recorded_once_a_minute_with_how_many_there_were(world: World):
    for _ in range(4):
        world.bridge.access.record_denial(VIEWER, Permission.REFUND_INVOICES, "issue_refund", "/api/x")
    world.bridge.access.record_denial(VIEWER, Permission.REFUND_INVOICES, "issue_refund", "/api/other")
    world.clock.advance(timedelta(minutes=1))
    world.bridge.access.record_denial(VIEWER, Permission.REFUND_INVOICES, "issue_refund", "/api/x")
    assert [entry.shown()["count"] for entry in denials(world)] == [1, 1, 4]


def test_what_is_kept_about_denials_goes_after_a_day(world: World):
    world.bridge.access.record_denial(VIEWER, Permission.SEND_INVOICES, "send_invoice", "/api/x")
    assert world.bridge.access.forget_act_windows() == 0
    world.clock.advance(timedelta(days=1, minutes=2))
    assert world.bridge.access.forget_act_windows() == 1

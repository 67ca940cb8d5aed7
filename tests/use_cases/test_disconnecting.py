import pytest

from stripe_bridge.domain.errors import (
    BridgeError,
    IntegrationNotConnected,
    IntegrationNotFound,
    InvoiceNotSent,
)
from stripe_bridge.domain.integration import SyncStatus
from stripe_bridge.domain.intent import Operation
from stripe_bridge.domain.refund import RefundState
from stripe_bridge.domain.stripe_objects import StripeInvoiceStatus
from stripe_bridge.ports.gateway_errors import GatewayBusy, OutcomeUnknown
from stripe_bridge.use_cases.disconnecting import GRACE
from tests.builders import TENANT
from tests.world import World


def disconnect(world: World):
    return world.bridge.disconnect_integration(TENANT, world.integration_id)


def test_disconnecting_revokes_access_and_clears_the_token_but_keeps_the_snapshot(world: World):
    integration = disconnect(world)

    assert integration.sync_status is SyncStatus.DISCONNECTED
    assert (integration.stripe_account_id, integration.sealed_access_token) == (None, None)
    assert integration.disconnected_at == world.clock.now()
    assert integration.snapshot is not None
    assert not world.lets_us_in()


def test_a_second_disconnect_answers_the_same_and_asks_stripe_nothing(world: World):
    first = disconnect(world)
    world.clock.advance(seconds=5)

    assert disconnect(world) == first
    assert world.calls().count("deauthorize") == 1


def test_disconnecting_what_was_never_connected_changes_nothing():
    world = World()
    world.integration_id = world.add_integration()

    integration = disconnect(world)

    assert integration.sync_status is SyncStatus.PENDING
    assert integration.disconnected_at is None
    assert not world.calls()


def test_another_tenants_integration_cannot_be_disconnected(world: World):
    with pytest.raises(IntegrationNotFound):
        world.bridge.disconnect_integration("other", world.integration_id)
    assert world.lets_us_in()


def test_with_stripe_down_it_is_disconnected_here_at_once_and_revoked_later(world: World):
    world.fail("deauthorize", OutcomeUnknown("down"), times=3)

    began = world.clock.now()
    integration = disconnect(world)

    assert not integration.connected
    assert world.clock.now() - began <= GRACE * 1.1
    assert world.lets_us_in()
    world.come_to_rest()
    assert not world.lets_us_in()


def test_an_account_that_is_live_elsewhere_by_then_is_not_revoked(world: World):
    world.fail("deauthorize", GatewayBusy("busy"), times=20)
    disconnect(world)
    world.mend()
    other = world.bridge.create_integration("other", "Shop").integration
    snapshot = world.stripe.accounts[world.account_id].snapshot
    with world.store.writing() as work:
        # No request can do this while the revocation is unsettled; it is the resolver's own last look that counts.
        work.integrations.save(
            other.connect(
                snapshot=snapshot, livemode=False, sealed_access_token="sealed", now=world.clock.now()
            )
        )
        work.commit()

    world.come_to_rest()

    assert world.lets_us_in()
    assert world.bridge.show_integration("other", other.id).integration.connected


def test_a_disconnected_integration_sends_voids_and_refunds_nothing(world: World):
    paid, open_ = world.paid(501), world.sent(502)
    world.put_order(503)
    disconnect(world)
    calls = len(world.calls())

    for attempt in (
        lambda: world.send(503),
        lambda: world.bridge.void_invoice(TENANT, open_.id),
        lambda: world.refund(paid.id),
    ):
        with pytest.raises(IntegrationNotConnected):
            attempt()
    assert len(world.calls()) == calls


def test_what_is_still_a_draft_is_deleted_before_access_is_revoked(world: World):
    world.put_order()
    world.fail("add_lines", GatewayBusy("busy"), times=20)
    with pytest.raises(InvoiceNotSent):
        world.send()
    assert [each.status for each in world.at_stripe()] == [StripeInvoiceStatus.DRAFT]
    world.mend()
    world.clock.advance(seconds=60)

    disconnect(world)

    assert world.at_stripe() == []
    assert world.order().open_invoice is None
    assert not world.lets_us_in()


def test_calls_in_flight_get_ten_seconds_and_no_more(world: World):
    world.put_order()
    world.fail("finalize", OutcomeUnknown("cut"))
    world.fail("invoice", OutcomeUnknown("cut"), times=50)
    with pytest.raises(InvoiceNotSent):
        world.send()
    began = world.clock.now()

    disconnect(world)

    assert world.clock.now() - began <= GRACE * 1.5
    world.mend()
    world.clock.advance(seconds=61)
    world.work_off()
    assert not world.lets_us_in()
    # What came of it is not known, and nobody can look any more: it is kept, and with it the order.
    assert [each.operation for each in world.unsettled()] == [Operation.FINALIZE]
    assert world.order().open_invoice is not None


def test_a_refund_that_was_made_and_not_answered_before_we_left_stays_reserved_until_we_are_back(
    world: World,
):
    world.paid()
    world.fail("create_refund", OutcomeUnknown("cut"), after_effect=True)
    world.fail("refunds_of", OutcomeUnknown("cut"), times=50)
    (refund,) = world.refund(world.invoice_id, 5_000)
    disconnect(world)
    for _ in range(3):
        world.clock.advance(GRACE)
        world.work_off()
    assert not world.lets_us_in()
    world.mend()
    for _ in range(30):
        world.clock.advance(seconds=3600)
        world.work_off()

    (reserved,) = world.bridge.list_refunds(TENANT, world.invoice_id)
    assert (reserved.id, reserved.state) == (refund.id, RefundState.RESERVED)

    world.connect(world.account_id, into=world.integration_id)
    world.come_to_rest()

    (ours,) = world.bridge.list_refunds(TENANT, world.invoice_id)
    (theirs,) = world.refunds_at_stripe()
    assert (ours.state, ours.stripe_refund_id) == (RefundState.SUCCEEDED, theirs.id)
    assert world.invoice(world.invoice_id).amount_refunded == 5_000


def test_an_own_receiver_goes_with_the_integration():
    world = World()
    world.allow_own_endpoints()
    world.connect()

    disconnect(world)

    assert not world.own_endpoints()
    assert not world.bridge.list_receivers()


def test_a_send_that_is_under_way_when_the_integration_is_disconnected_leaves_nothing_payable(world: World):
    world.put_order()
    world.stripe.before_next("add_lines", lambda: world.bridge.disconnect_integration(TENANT, 1))

    with pytest.raises(BridgeError):
        world.send()

    world.come_to_rest()
    assert not world.payable_at_stripe()
    assert not world.lets_us_in()
    assert world.order().open_invoice is None


def test_only_one_revocation_is_planned_however_many_ask(world: World):
    world.stripe.before_next("deauthorize", lambda: disconnect(world))

    disconnect(world)

    intents = world.store.committed.intents.rows.values()
    assert [each.operation for each in intents].count(Operation.DEAUTHORIZE) == 1

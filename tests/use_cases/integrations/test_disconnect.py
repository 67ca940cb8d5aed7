from datetime import timedelta

import pytest

from stripe_bridge.domain.errors.base import BridgeError, IntegrationNotFound
from stripe_bridge.domain.errors.outcomes import InvoiceNotSent
from stripe_bridge.domain.errors.rules import IntegrationNotConnected
from stripe_bridge.domain.integration import SyncStatus
from stripe_bridge.domain.intent import Operation
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.refund import RefundState
from stripe_bridge.domain.stripe_objects import StripeInvoiceStatus
from stripe_bridge.ports.stripe.errors import (
    GatewayBusy,
    GatewayError,
    GatewayRefused,
    ObjectMissing,
    OutcomeUnknown,
)
from stripe_bridge.use_cases.integrations.disconnect import GRACE
from tests.builders import AMOUNT, TENANT
from tests.world import World


def disconnect(world: World):
    return world.bridge.integrations.disconnect(TENANT, world.integration_id)


def test_disconnecting_revokes_access_and_clears_the_token_but_keeps_the_snapshot(world: World):
    integration = disconnect(world)

    assert integration.sync_status is SyncStatus.DISCONNECTED
    assert (integration.stripe_account_id, integration.sealed_access_token) == (None, None)
    assert integration.disconnected_at == world.clock.now()
    assert integration.snapshot is not None
    assert not world.has_access()


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
        world.bridge.integrations.disconnect("other", world.integration_id)
    assert world.has_access()


def test_with_stripe_down_it_is_disconnected_here_at_once_and_revoked_later(world: World):
    world.fail("deauthorize", OutcomeUnknown("down"), times=3)

    began = world.clock.now()
    integration = disconnect(world)

    assert not integration.connected
    assert world.clock.now() - began <= GRACE * 1.1
    assert world.has_access()
    world.come_to_rest()
    assert not world.has_access()


def test_a_revocation_that_was_not_answered_is_found_and_not_asked_for_again(world: World):
    world.fail("deauthorize", OutcomeUnknown("cut"), after_effect=True)

    disconnect(world)
    world.come_to_rest()

    assert len(world.stripe.calls_of("deauthorize")) == 1


def test_an_account_that_is_live_elsewhere_by_then_is_not_revoked(world: World):
    world.fail("deauthorize", GatewayBusy("busy"), times=20)
    disconnect(world)
    world.stop_failing()
    other = world.bridge.integrations.create("other", "Shop").integration
    snapshot = world.stripe.accounts[world.account_id].snapshot
    with world.store.writing() as work:
        # No request can do this while the revocation is unsettled; this tests the settling's own last check.
        work.integrations.find(other.id)
        work.integrations.save(
            other.connect(
                snapshot=snapshot, livemode=False, sealed_access_token="sealed", now=world.clock.now()
            )
        )
        work.commit()

    world.come_to_rest()

    assert world.has_access()
    assert world.bridge.integrations.show("other", other.id).integration.connected


def test_a_worker_held_up_while_deauthorizing_does_not_end_the_accounts_next_connection(world: World):
    world.sent()

    def come_back() -> None:
        world.clock.advance(seconds=61)
        world.work_off()
        assert not world.has_access()
        world.connect(world.account_id, into=world.integration_id)

    world.stripe.before_next("invoice", come_back)
    disconnect(world)

    assert world.has_access()


def test_a_disconnected_integration_sends_voids_and_refunds_nothing(world: World):
    paid, open_ = world.paid(501), world.sent(502)
    world.put_order(503)
    disconnect(world)
    calls = len(world.calls())

    for attempt in (
        lambda: world.send(503),
        lambda: world.bridge.invoices.void(TENANT, open_.id),
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
    world.stop_failing()
    world.clock.advance(seconds=60)

    disconnect(world)

    assert world.at_stripe() == []
    assert world.order().open_invoice is None
    assert not world.has_access()


def test_calls_in_flight_get_ten_seconds_and_no_more(world: World):
    world.put_order()
    world.fail("finalize", OutcomeUnknown("cut"))
    world.fail("invoice", OutcomeUnknown("cut"), times=50)
    with pytest.raises(InvoiceNotSent):
        world.send()
    began = world.clock.now()

    disconnect(world)

    assert world.clock.now() - began <= GRACE * 1.5
    world.stop_failing()
    world.clock.advance(seconds=61)
    world.work_off()
    assert not world.has_access()
    # Its outcome is not known, and access is gone, so it is kept, and the order with it.
    assert [each.operation for each in world.unsettled()] == [Operation.FINALIZE]
    assert world.order().open_invoice is not None


def test_a_refund_of_what_a_former_integration_sent_is_made_before_access_is_revoked(world: World):
    invoice = world.paid()
    disconnect(world)
    world.connect(world.account_id)
    world.fail("create_refund", GatewayBusy("busy"))
    world.refund(invoice.id)

    disconnect(world)

    assert [refund.amount for refund in world.refunds_at_stripe()] == [AMOUNT]
    assert not world.has_access()


def test_however_many_calls_hang_at_a_stripe_that_does_not_answer_the_disconnect_is_answered(world: World):
    world.fail("add_lines", GatewayBusy("busy"), times=100)
    for number in range(5):
        world.put_order(501 + number)
        with pytest.raises(InvoiceNotSent):
            world.send(501 + number)
    world.stop_failing()
    world.fail("add_lines", OutcomeUnknown("timed out"), times=5)
    for _ in range(5):
        world.stripe.before_next("add_lines", lambda: world.clock.advance(seconds=20))
    world.clock.advance(seconds=900)
    began = world.clock.now()

    disconnect(world)

    # One call may begin just before the time is up.
    assert world.clock.now() - began <= GRACE + timedelta(seconds=20)


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
    assert not world.has_access()
    world.stop_failing()
    for _ in range(30):
        world.clock.advance(seconds=3600)
        world.work_off()

    (reserved,) = world.bridge.refunds.list(TENANT, world.invoice_id)
    assert (reserved.id, reserved.state) == (refund.id, RefundState.RESERVED)

    world.connect(world.account_id, into=world.integration_id)
    world.come_to_rest()

    (ours,) = world.bridge.refunds.list(TENANT, world.invoice_id)
    (theirs,) = world.refunds_at_stripe()
    assert (ours.state, ours.stripe_refund_id) == (RefundState.SUCCEEDED, theirs.id)
    assert world.invoice(world.invoice_id).amount_refunded == 5_000


def test_an_own_receiver_goes_with_the_integration():
    world = World()
    world.allow_own_endpoints()
    world.connect()

    disconnect(world)

    assert not world.own_endpoints()
    assert not world.bridge.receivers.list()


def test_an_account_that_is_joined_before_the_former_is_left_has_a_receiver_of_its_own_and_keeps_it():
    world = World()
    world.allow_own_endpoints()
    world.connect()
    former = world.account_id
    world.fail("deauthorize", OutcomeUnknown("down"), times=3)
    disconnect(world)
    world.connect("acct_another", into=world.integration_id)
    (own,) = world.own_endpoints()

    world.come_to_rest()

    assert not world.stripe.accounts[former].connected
    assert [each.stripe_endpoint_id for each in world.bridge.receivers.list()] == [own]
    assert world.own_endpoints() == {own}


def test_a_send_that_is_under_way_when_the_integration_is_disconnected_leaves_nothing_payable(world: World):
    world.put_order()
    world.stripe.before_next("add_lines", lambda: world.bridge.integrations.disconnect(TENANT, 1))

    with pytest.raises(BridgeError):
        world.send()

    world.come_to_rest()
    assert not world.payable_at_stripe()
    assert not world.has_access()
    assert world.order().open_invoice is None


def test_only_one_revocation_is_planned_however_many_ask(world: World):
    world.stripe.before_next("deauthorize", lambda: disconnect(world))

    disconnect(world)

    intents = world.store.committed.intents.rows.values()
    assert [each.operation for each in intents].count(Operation.DEAUTHORIZE) == 1


def test_what_is_in_flight_is_listed_and_logged(world: World, caplog: pytest.LogCaptureFixture):
    world.paid(500)
    world.paid(501)
    charge, disputed = list(world.stripe.accounts[world.account_id].charges.charges)
    world.stripe.new_refund_status = "pending"
    world.stripe.refund(world.account_id, charge, 300)
    world.stripe.dispute(world.account_id, disputed)
    world.deliver()
    open_ = world.sent(502)
    before = world.bridge.integrations.list_in_flight(TENANT, world.integration_id)

    disconnect(world)

    money = world.bridge.integrations.list_in_flight(TENANT, world.integration_id)
    assert money == before
    assert [each.id for each in money.invoices] == [open_.id]
    assert money.counts == {"invoices": 1, "refunds": 1, "disputes": 1}
    (record,) = [each for each in caplog.records if each.message == "disconnected with money in flight"]
    assert vars(record)["in_flight"] == money.counts
    with pytest.raises(IntegrationNotFound):
        world.bridge.integrations.list_in_flight("other", world.integration_id)


def test_a_payment_until_the_disconnect_is_seen_by_the_final_check(world: World):
    paid, unpaid = world.sent(501), world.sent(502)
    world.pay(paid)

    disconnect(world)

    assert not world.has_access()
    assert world.invoice(paid.id).status is InvoiceStatus.PAID
    assert world.invoice(unpaid.id).status is InvoiceStatus.OPEN


@pytest.mark.parametrize("unanswered", [("deauthorize",), ("deauthorize", "account")])
def test_until_our_access_is_revoked_what_is_in_flight_is_followed(world: World, unanswered: tuple[str, ...]):
    invoice = world.sent()
    for method in unanswered:
        world.fail(method, OutcomeUnknown("down"), times=500)
    disconnect(world)
    for amount in (1_000, None):
        world.pay(world.invoice(invoice.id), amount)
        for _ in range(16):
            world.clock.advance(seconds=60)
            world.work_off()
        assert world.has_access()
        assert world.invoice(invoice.id).amount_paid == (amount or AMOUNT)

    assert world.order().outstanding == 0


@pytest.mark.parametrize(
    "error", [GatewayBusy("busy"), OutcomeUnknown("cut"), GatewayRefused("no"), ObjectMissing("gone")]
)
def test_what_cannot_be_refetched_does_not_hold_up_the_disconnect(world: World, error: GatewayError):
    for number in range(3):
        world.sent(501 + number)
    world.fail("invoice", error, times=3)

    disconnect(world)

    assert not world.has_access()


def test_the_final_check_ends_at_its_time_limit(world: World, caplog: pytest.LogCaptureFixture):
    for number in range(9):
        world.sent(501 + number)
    for _ in range(9):
        world.stripe.before_next("invoice", lambda: world.clock.advance(seconds=2))
    looked = world.calls().count("invoice")

    disconnect(world)

    assert not world.has_access()
    assert world.calls().count("invoice") - looked == 3
    assert "final check timed out" in caplog.text

from dataclasses import replace

import pytest

from stripe_bridge.domain.errors.base import InvoiceNotFound
from stripe_bridge.domain.errors.conflicts import InvoiceBeingSent
from stripe_bridge.domain.errors.outcomes import InvoiceNotSent, InvoiceNotVoided, VoidRefused
from stripe_bridge.domain.errors.rules import IntegrationNotConnected, InvoiceNotVoidable
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.origin import SERVICE, Actor, ActorType, Origin, dump_actor
from stripe_bridge.domain.refusal import Refusal
from stripe_bridge.domain.stripe_objects import StripeInvoiceStatus
from stripe_bridge.ports.origin import acting_as
from stripe_bridge.ports.stripe.errors import GatewayBusy, GatewayRefused, OutcomeUnknown
from tests.builders import TENANT
from tests.world import A_WHILE, World

ASKED = Actor(type=ActorType.TOKEN, id="5", user_id=7)


def void(world: World, invoice_id: int = 1):
    with acting_as(Origin(actor=ASKED)):
        return world.bridge.invoices.void(TENANT, invoice_id).invoice


def test_an_open_invoice_is_voided_at_stripe_and_here(world: World):
    world.sent()

    voided = void(world)

    assert (voided.status, voided.voided_at) == (InvoiceStatus.VOID, world.clock.now())
    assert [each.status for each in world.at_stripe()] == [StripeInvoiceStatus.VOID]


@pytest.mark.parametrize("status", ["paid", "uncollectible", "void"])
def test_what_is_closed_is_not_voided_and_says_why(world: World, status: str):
    invoice = world.sent()
    if status == "paid":
        world.pay(invoice)
    elif status == "uncollectible":
        world.stripe.mark_uncollectible(world.account_id, invoice.stripe_invoice_id)
    else:
        void(world)
    world.deliver()
    calls = world.calls()

    with pytest.raises(InvoiceNotVoidable):
        void(world)
    assert world.calls() == calls


def test_a_partly_paid_invoice_is_not_voided(world: World):
    invoice = world.sent()
    world.pay(invoice, 1_000)
    world.deliver()

    with pytest.raises(InvoiceNotVoidable):
        void(world)


def test_another_tenants_invoice_is_not_there(world: World):
    world.sent()

    with pytest.raises(InvoiceNotFound):
        world.bridge.invoices.void("other", 1)
    assert world.payable_at_stripe()


def test_a_customer_who_was_faster_with_paying_wins(world: World):
    invoice = world.sent()
    world.stripe.before_next("void", lambda: world.pay(invoice))

    with pytest.raises(InvoiceNotVoidable):
        void(world)
    assert world.invoice(1).status is InvoiceStatus.PAID


@pytest.mark.parametrize("why", ["uncollectible", "partly paid"])
def test_what_stripe_will_not_void_is_told_and_known_before_its_event_comes(world: World, why: str):
    invoice = world.sent()
    if why == "uncollectible":
        world.stripe.mark_uncollectible(world.account_id, invoice.stripe_invoice_id)
    else:
        world.pay(invoice, 1_000)

    with pytest.raises(InvoiceNotVoidable) as caught:
        void(world)
    assert caught.value.state == why
    seen, (theirs,) = world.invoice(1), world.at_stripe()
    assert (seen.status.value, seen.amount_paid) == (theirs.status.value, theirs.amount_paid)
    assert world.unsettled() == []


def test_a_void_that_stripe_refuses_leaves_the_invoice_open(world: World):
    world.sent()
    world.fail("void", GatewayRefused("no"))

    with pytest.raises(VoidRefused) as caught:
        void(world)
    assert (caught.value.final, caught.value.refusal) == (True, Refusal(message="no"))
    assert world.order().open_invoice
    assert void(world).status is InvoiceStatus.VOID


@pytest.mark.parametrize("is_asked_again", [False, True])
def test_an_invoice_that_stripe_no_longer_has_is_void_once_somebody_voids_it(
    world: World, is_asked_again: bool
):
    world.sent()
    if is_asked_again:
        world.fail("void", OutcomeUnknown("cut"))
        with pytest.raises(InvoiceNotVoided):
            void(world)
        world.clock.advance(A_WHILE)
    world.stripe.accounts[world.account_id].invoices.clear()

    if is_asked_again:
        world.work_off()
    else:
        assert void(world).status is InvoiceStatus.VOID

    assert world.invoice(1).voided_at == world.clock.now()
    assert world.order().open_invoice is None
    assert world.unsettled() == []


def test_a_live_invoice_that_stripe_does_not_show_stays_open(world: World):
    """It may still be payable there: for example, our key may be another platform's."""
    world.sent()
    with world.store.writing() as work:
        integration = work.integrations.get(TENANT, world.invoice(1).integration_id, lock=True)
        work.integrations.save(replace(integration, livemode=True))
        work.commit()
    world.stripe.accounts[world.account_id].invoices.clear()

    with pytest.raises(InvoiceNotVoided):
        void(world)

    assert world.invoice(1).status is InvoiceStatus.OPEN


def test_an_invoice_that_stripe_lost_before_it_was_mailed_frees_its_order(world: World):
    world.put_order()
    world.stripe.before_next("send", world.stripe.accounts[world.account_id].invoices.clear)

    with pytest.raises(InvoiceNotSent) as caught:
        world.send()

    assert caught.value.final
    assert world.invoice(1).status is InvoiceStatus.ABANDONED


@pytest.mark.parametrize("tenant", [TENANT, "other"])
def test_an_invoice_is_voided_through_whatever_integration_of_its_tenant_has_the_account_now(
    world: World, tenant: str
):
    world.sent()
    world.bridge.integrations.disconnect(TENANT, world.integration_id)
    with pytest.raises(IntegrationNotConnected):
        void(world)
    world.connect(world.account_id, tenant=tenant)

    if tenant == TENANT:
        assert void(world).status is InvoiceStatus.VOID
        assert not world.payable_at_stripe()
    else:
        with pytest.raises(IntegrationNotConnected):
            void(world)


@pytest.mark.parametrize("status", ["open", "uncollectible"])
def test_a_void_of_unknown_outcome_that_had_no_effect_is_made_again(world: World, status: str):
    invoice = world.sent()
    world.fail("void", OutcomeUnknown("cut"))
    world.stripe.voids_uncollectible = True
    if status == "open":
        with pytest.raises(InvoiceNotVoided):
            void(world)
    else:
        world.stripe.mark_uncollectible(world.account_id, invoice.stripe_invoice_id)
        world.deliver()
        world.send()

    world.come_to_rest()

    assert world.invoice(1).status is InvoiceStatus.VOID
    assert len(world.stripe.calls_of("void")) == 2


def test_a_void_of_unknown_outcome_is_found_later(world: World):
    world.sent()
    world.fail("void", OutcomeUnknown("cut"), after_effect=True)

    with pytest.raises(InvoiceNotVoided) as caught:
        void(world)
    assert not caught.value.final
    assert world.order().open_invoice
    world.come_to_rest()

    assert world.invoice(1).status is InvoiceStatus.VOID
    assert len(world.stripe.calls_of("void")) == 1


def test_a_void_that_is_repeated_while_the_outcome_is_unknown_says_so_again(world: World):
    world.sent()
    world.fail("void", OutcomeUnknown("cut"), times=30)

    for _ in range(2):
        with pytest.raises(InvoiceNotVoided) as caught:
            void(world)
        assert not caught.value.final


@pytest.mark.parametrize("step", ["create_customer", "create_draft", "add_lines", "finalize", "send"])
def test_a_void_waits_ten_seconds_for_the_sending_then_gives_way(world: World, step: str):
    world.put_order()
    waited = []

    def ask() -> None:
        began = world.clock.now()
        with pytest.raises(InvoiceBeingSent):
            void(world)
        waited.append((world.clock.now() - began).total_seconds())

    world.stripe.before_next(step, ask)
    invoice = world.send().view.invoice

    assert 10 <= waited[0] < 11
    assert invoice.status is InvoiceStatus.OPEN
    assert not world.stripe.calls_of("void")


@pytest.mark.parametrize("step", ["create_customer", "create_draft", "add_lines", "finalize", "send"])
def test_a_void_finishes_a_crashed_sending_and_then_voids(world: World, step: str):
    world.put_order()
    world.fail(step, GatewayBusy("busy"), times=30)
    with pytest.raises(InvoiceNotSent):
        world.send()
    world.stop_failing()
    world.clock.advance(seconds=900)

    assert void(world).status is InvoiceStatus.VOID
    assert not world.payable_at_stripe()
    assert world.order().open_invoice is None


def test_a_draft_that_could_not_be_undone_is_deleted_at_stripe_and_void_here(world: World):
    world.put_order()
    for step in ("finalize", "delete_draft", "void"):
        world.fail(step, GatewayRefused("no"))
    with pytest.raises(InvoiceNotSent):
        world.send()
    assert world.invoice(1).status is InvoiceStatus.DRAFT

    assert void(world).status is InvoiceStatus.VOID
    assert world.at_stripe() == []


def test_two_voids_at_once_ask_stripe_once(world: World):
    world.sent()
    others = []

    def ask() -> None:
        with pytest.raises(InvoiceNotVoided) as caught:
            void(world)
        assert not caught.value.final
        others.append(1)

    world.stripe.before_next("void", ask)
    void(world)

    assert others
    assert len(world.stripe.calls_of("void")) == 1


def test_who_asked_is_named_also_by_a_worker_that_finishes_it_later(world: World):
    world.sent()
    assert void(world).voided_by == ASKED

    world.sent(502)
    world.fail("void", OutcomeUnknown("cut"), after_effect=True)
    with pytest.raises(InvoiceNotVoided):
        void(world, 2)
    # An event may be faster than the worker.
    world.deliver()
    assert world.invoice(2).voided_by is None
    world.come_to_rest()
    assert world.invoice(2).voided_by == ASKED


def test_nobody_is_named_for_what_the_dashboard_has_voided_even_if_we_came_second(world: World):
    first, second = world.sent(), world.sent(502)
    world.stripe.void(world.account_id, first.stripe_invoice_id)
    world.deliver()
    world.stripe.before_next("void", lambda: world.stripe.void(world.account_id, second.stripe_invoice_id))

    shown = void(world, second.id)

    for invoice in (world.invoice(first.id), shown):
        assert (invoice.status, invoice.voided_by) == (InvoiceStatus.VOID, None)


def test_who_had_a_stuck_draft_deleted_is_named_unless_the_merchant_was_faster(world: World):
    for number in (501, 502):
        world.put_order(number)
        for step in ("finalize", "delete_draft", "void"):
            world.fail(step, GatewayRefused("no"))
        with pytest.raises(InvoiceNotSent):
            world.send(number)

    assert void(world, 1).voided_by == ASKED
    invoices = world.stripe.accounts[world.account_id].invoices
    world.stripe.before_next("delete_draft", invoices.clear)
    assert void(world, 2).voided_by is None


def test_who_sent_a_new_invoice_had_the_uncollectible_one_voided(world: World):
    invoice = world.sent()
    world.stripe.voids_uncollectible = True
    world.stripe.mark_uncollectible(world.account_id, invoice.stripe_invoice_id)
    world.deliver()

    with acting_as(Origin(actor=ASKED)):
        world.send()

    assert (world.invoice(1).status, world.invoice(1).voided_by) == (InvoiceStatus.VOID, ASKED)


def test_an_undone_send_and_what_the_service_does_by_itself_name_nobody(world: World):
    world.sent()
    with acting_as(SERVICE):
        world.bridge.invoices.void(TENANT, 1)
    world.put_order(502)
    world.fail("send", GatewayRefused("no"))
    with acting_as(Origin(actor=ASKED)), pytest.raises(InvoiceNotSent):
        world.send(502)

    assert [world.invoice(each).status for each in (1, 2)] == [InvoiceStatus.VOID] * 2
    assert [world.invoice(each).voided_by for each in (1, 2)] == [None, None]


def test_a_void_is_one_change_with_its_requester(world: World):
    world.sent()
    with world.store.reading() as work:
        before = len(work.changes.page(TENANT, 0, 100))

    void(world)

    with world.store.reading() as work:
        (entry,) = work.changes.page(TENANT, before, 100)
    shown = entry.shown()
    assert (shown["type"], shown["actor"]) == ("invoice.voided", dump_actor(ASKED))
    assert shown["object"]["voided_by"] == dump_actor(ASKED)

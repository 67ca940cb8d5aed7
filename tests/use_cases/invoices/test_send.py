"""What sending requires, checks and answers; its steps are tested in files of their own."""

import pytest

from stripe_bridge.domain.errors.base import IntegrationNotFound, SalesOrderNotFound
from stripe_bridge.domain.errors.outcomes import InvoiceRefused
from stripe_bridge.domain.errors.rules import (
    AmountBelowMinimum,
    AmountOverOutstanding,
    EmailMissing,
    IntegrationNotConnected,
    IntegrationRestricted,
    NothingOutstanding,
)
from stripe_bridge.domain.errors.values import AmountNotChargeable
from stripe_bridge.domain.intent import IntentState
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.domain.refusal import Refusal
from stripe_bridge.domain.sales_order import Address, InvoiceLine
from stripe_bridge.domain.stripe_objects import StripeInvoiceStatus
from stripe_bridge.ports.storage.intents import IntentFilter
from stripe_bridge.ports.stripe.errors import GatewayRefused, OutcomeUnknown
from tests.builders import AMOUNT, TENANT, a_customer, an_order_line
from tests.use_cases.sends import STEPS, not_sent
from tests.world import USER, World


def lines_of(world: World) -> tuple[InvoiceLine, ...]:
    (call,) = world.stripe.calls_of("add_lines")
    lines: tuple[InvoiceLine, ...] = call.arguments["lines"]
    return lines


def test_a_send_answers_the_open_invoice_with_all_that_stripe_made_of_it(world: World):
    world.put_order()

    sent = world.send()

    invoice = sent.view.invoice
    assert sent.created
    assert sent.view.integration_name == "Main shop"
    assert (invoice.status, invoice.amount, invoice.currency) == (InvoiceStatus.OPEN, AMOUNT, "EUR")
    assert invoice.customer_email == "jane@customer.example"
    assert (invoice.user_id, invoice.sales_order_number) == (USER, "SO-501")
    assert invoice.number
    assert invoice.hosted_invoice_url
    assert invoice.invoice_pdf
    assert invoice.stripe_payment_intent_id in world.links(invoice.id)
    assert world.mails() == [invoice.stripe_invoice_id]


def test_an_invoice_for_the_whole_of_an_untouched_order_itemizes_its_lines(world: World):
    lines = (an_order_line(13_000, description="Desk"), an_order_line(-1_000, description="Rebate"))
    world.sent(lines=lines)

    assert lines_of(world) == (
        InvoiceLine(description="2.5 × Desk", amount=13_000),
        InvoiceLine(description="2.5 × Rebate", amount=-1_000),
    )


def test_an_invoice_for_a_part_has_a_single_line_that_names_the_order(world: World):
    world.put_order()
    world.send(amount=5_000)

    assert lines_of(world) == (InvoiceLine(description="Sales order SO-501", amount=5_000),)


def test_an_order_paid_in_part_elsewhere_is_not_itemized(world: World):
    world.sent(paid_elsewhere=2_000)

    assert lines_of(world) == (InvoiceLine(description="Sales order SO-501", amount=10_000),)


def test_left_out_the_amount_is_what_is_outstanding(world: World):
    world.put_order()
    first = world.send(amount=5_000).view.invoice
    world.pay(first)
    world.deliver()

    assert world.send().view.invoice.amount == AMOUNT - 5_000
    assert not world.stripe.calls_of("void")


@pytest.mark.parametrize(
    ("order", "asked", "error"),
    [
        ({"paid_elsewhere": AMOUNT}, {}, NothingOutstanding),
        ({"paid_elsewhere": AMOUNT}, {"amount": 50_000}, NothingOutstanding),
        ({}, {"amount": AMOUNT + 1}, AmountOverOutstanding),
        ({"customer": a_customer(email=None)}, {"amount": AMOUNT + 1}, AmountOverOutstanding),
        ({"customer": a_customer(email=None)}, {"amount": 1}, EmailMissing),
        ({"currency": "UGX"}, {"amount": 5_050}, AmountNotChargeable),
        ({}, {"amount": 49}, AmountBelowMinimum),
    ],
)
def test_terms_that_no_invoice_can_have_are_refused_in_order_and_change_nothing(world, order, asked, error):
    world.put_order(**order)
    calls = world.calls()

    with pytest.raises(error):
        world.send(**asked)

    assert world.calls() == calls
    assert world.order().open_invoice is None


def test_an_order_that_is_not_there_is_told_before_an_integration_that_is_not(world: World):
    with pytest.raises(SalesOrderNotFound):
        world.send(404, into=404)
    world.put_order()
    with pytest.raises(IntegrationNotFound):
        world.send(into=404)


def test_another_tenants_order_or_integration_is_not_there(world: World):
    world.put_order()
    with pytest.raises(SalesOrderNotFound):
        world.send(tenant="other")
    world.put_order(tenant="other")
    with pytest.raises(IntegrationNotFound):
        world.send(tenant="other")


def test_an_integration_has_to_be_connected_and_able_to_charge_before_terms_matter(world: World):
    world.put_order(paid_elsewhere=AMOUNT)
    pending = world.add_integration()
    restricted = world.connect(charges_enabled=False)

    with pytest.raises(IntegrationNotConnected):
        world.send(into=pending)
    with pytest.raises(IntegrationRestricted):
        world.send(into=restricted)


def test_a_payable_invoice_is_answered_as_it_is_whatever_is_asked_and_through_whatever_integration(
    world: World,
):
    invoice = world.sent()
    pending = world.add_integration(name="Second shop")

    again = world.send(into=pending, amount=10**9, email="other@example.com")

    assert not again.created
    assert again.view.invoice == invoice
    assert again.view.integration_name == "Main shop"
    assert len(world.at_stripe()) == 1


@pytest.mark.parametrize("address", [a_customer().address, None])
def test_stripe_gets_the_customer_as_the_erp_has_it(world: World, address: Address | None):
    world.sent(customer=a_customer(address=address))

    (call,) = world.stripe.calls_of("create_customer")
    made = call.arguments["draft"]
    assert (made.name, made.email, made.address) == ("Jane Doe", "jane@customer.example", address)


def test_an_email_of_the_requests_own_makes_another_customer_and_edits_none(world: World):
    world.sent(501)
    world.put_order(502)

    world.send(502, email="Billing@Customer.example")

    emails = [each.email for each in world.stripe.accounts[world.account_id].customers.values()]
    assert [each.lower() for each in emails] == ["jane@customer.example", "billing@customer.example"]


def test_a_customer_is_remembered_by_account_erp_id_and_email_in_whatever_case(world: World):
    world.sent(501)
    world.sent(502, customer=a_customer(email="JANE@customer.example"))
    assert len(world.customers_at_stripe()) == 1

    world.sent(503, customer=a_customer(id=78))
    assert len(world.customers_at_stripe()) == 2


def test_a_refund_lets_the_order_be_invoiced_again(world: World):
    invoice = world.paid()
    with pytest.raises(NothingOutstanding):
        world.send()
    world.refund(invoice.id, 2_000)

    assert world.send().view.invoice.amount == 2_000


def test_a_voided_invoice_frees_its_order(world: World):
    first = world.sent()
    world.bridge.invoices.void(TENANT, first.id)

    second = world.send()

    assert second.created
    assert second.view.invoice.id != first.id


@pytest.mark.parametrize("stripe_voids_it", [True, False])
def test_an_uncollectible_invoice_frees_its_order_but_its_void_is_tried_first(world, stripe_voids_it):
    first = world.sent()
    world.stripe.mark_uncollectible(world.account_id, first.stripe_invoice_id)
    world.deliver()
    world.stripe.voids_uncollectible = stripe_voids_it

    second = world.send().view.invoice

    assert second.status is InvoiceStatus.OPEN
    assert world.calls().index("void") < len(world.calls()) - world.calls()[::-1].index("create_draft")
    left = StripeInvoiceStatus.VOID if stripe_voids_it else StripeInvoiceStatus.UNCOLLECTIBLE
    assert [each.status for each in world.at_stripe()] == [left, StripeInvoiceStatus.OPEN]


def test_paying_an_uncollectible_invoice_beside_the_new_one_shows_as_overpaid(world: World):
    first = world.sent()
    world.stripe.mark_uncollectible(world.account_id, first.stripe_invoice_id)
    world.deliver()
    second = world.send().view.invoice
    world.pay(first)
    world.pay(second)
    world.deliver()

    assert (world.order().settled, world.order().overpaid) == (2 * AMOUNT, AMOUNT)


def test_a_second_request_waits_for_the_first_ones_invoice(world: World):
    world.put_order()
    answers = []
    # While the first request is at Stripe, another one arrives; time passes for it, since it waits.
    world.stripe.before_next("finalize", lambda: answers.append(world.send()))

    first = world.send()

    (second,) = answers
    assert first.created
    assert not second.created
    assert second.view.invoice.id == first.view.invoice.id
    assert second.view.invoice.status is InvoiceStatus.DRAFT
    assert len(world.at_stripe()) == 1


def test_a_second_request_gives_up_waiting_after_ten_seconds(world: World):
    world.put_order()
    waited = []

    def ask() -> None:
        began = world.clock.now()
        world.send()
        waited.append((world.clock.now() - began).total_seconds())

    world.stripe.before_next("finalize", ask)
    world.send()

    assert 10 <= waited[0] < 10.5


def test_a_second_request_finishes_a_send_that_crashed(world: World):
    world.put_order()
    world.fail("add_lines", OutcomeUnknown("cut"), times=1, after_effect=True)
    world.fail("invoice", OutcomeUnknown("cut"), times=20)
    with pytest.raises(Exception, match="could not be sent"):
        world.send()
    world.stop_failing()
    world.clock.advance(seconds=900)

    again = world.send()

    assert not again.created
    assert again.view.invoice.status is InvoiceStatus.OPEN
    assert len(world.at_stripe()) == 1


def test_what_the_erp_changes_during_a_send_does_not_change_the_invoice(world: World):
    world.put_order()

    def raise_total() -> None:
        world.clock.advance(seconds=1)
        world.put_order(total=20_000, lines=(an_order_line(20_000),), source_updated_at=world.clock.now())

    world.stripe.before_next("add_lines", raise_total)

    assert world.send().view.invoice.amount == AMOUNT
    assert world.order().order.total == 20_000


@pytest.mark.parametrize("step", STEPS)
def test_what_stripe_refuses_for_good_is_said_in_its_words_and_stays_known(world: World, step: str):
    said = Refusal(message="No.", code="blocked", request_id="req_1")
    world.put_order()
    world.fail(step, GatewayRefused("no", refusal=said))

    refused = not_sent(world)

    assert isinstance(refused, InvoiceRefused)
    assert refused.refusal == said
    failure = world.invoice(1).failure
    assert failure is not None
    assert failure.refusal == said
    with world.store.reading() as work:
        failed = work.intents.page(IntentFilter(states=frozenset({IntentState.FAILED})), PageRequest()).items
    assert [intent.refusal for intent in failed] == [said]
    assert world.order().open_invoice is None


def test_a_send_undone_since_the_integration_was_disconnected_says_so(world: World):
    world.put_order()

    def disconnect() -> None:
        with world.store.writing() as work:
            integration = work.integrations.get(TENANT, world.integration_id, lock=True)
            work.integrations.save(integration.disconnect(world.clock.now()))
            work.commit()

    world.stripe.before_next("add_lines", disconnect)

    with pytest.raises(IntegrationNotConnected):
        world.send()
    assert world.order().open_invoice is None

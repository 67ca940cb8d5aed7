from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from stripe_bridge.domain.sales_order import Address, InvoiceLine
from stripe_bridge.domain.stripe_objects import (
    METADATA_REFERENCE,
    StripeInvoice,
    StripeInvoiceStatus,
    StripePayment,
)
from stripe_bridge.ports.stripe.errors import (
    AccessRevoked,
    GatewayBusy,
    GatewayError,
    GatewayRefused,
    ObjectMissing,
    OutcomeUnknown,
)
from stripe_bridge.ports.stripe.invoices import CustomerDraft, InvoiceDraft, InvoiceGateway
from tests.contracts.stripe_worlds import BY_TOKEN, EMULATED, FAKE, World

DRAFT, OPEN, PAID = StripeInvoiceStatus.DRAFT, StripeInvoiceStatus.OPEN, StripeInvoiceStatus.PAID
UNCOLLECTIBLE, VOID = StripeInvoiceStatus.UNCOLLECTIBLE, StripeInvoiceStatus.VOID
LINES = (InvoiceLine(description="2 × Chair", amount=9_000), InvoiceLine(description="Rebate", amount=-1_000))
TOTAL = 8_000


@pytest.fixture(params=[FAKE, EMULATED, BY_TOKEN])
def world(request: pytest.FixtureRequest, wire_log: Path) -> Iterator[World]:
    with request.param(wire_log) as world:
        yield world


@pytest.fixture
def account(world: World) -> str:
    return world.connect_account()


@pytest.fixture
def other_account(world: World) -> str:
    return world.connect_account()


@pytest.fixture
def gateway(world: World) -> InvoiceGateway:
    return world.payments


class Shop:
    """Creates what a test starts from, in one account; every call has its own idempotency key."""

    def __init__(self, gateway: InvoiceGateway, account: str) -> None:
        self._gateway, self._account = gateway, account
        self._keys = count(1)

    def key(self) -> str:
        return f"{self._account}-{next(self._keys)}"

    def customer(self, **changes: Any) -> str:
        return self._gateway.create_customer(self._account, customer_draft(**changes), self.key())

    def empty_draft(self, **changes: Any) -> StripeInvoice:
        changes.setdefault("customer_id", self.customer() if "customer_id" not in changes else None)
        return self._gateway.create_draft(self._account, invoice_draft(**changes), self.key())

    def draft(self, **changes: Any) -> StripeInvoice:
        empty = self.empty_draft(**changes)
        return self._gateway.add_lines(self._account, empty.id, LINES, self.key())

    def open(self, **changes: Any) -> StripeInvoice:
        return self._gateway.finalize(self._account, self.draft(**changes).id, self.key())


@pytest.fixture
def shop(gateway: InvoiceGateway, account: str) -> Shop:
    return Shop(gateway, account)


def customer_draft(**changes: Any) -> CustomerDraft:
    given: dict[str, Any] = {"email": "buyer@shop.test", "name": "Buyer", "address": None, "metadata": {}}
    return CustomerDraft(**(given | changes))


def invoice_draft(**changes: Any) -> InvoiceDraft:
    given: dict[str, Any] = {"currency": "EUR", "days_until_due": 14, "order_number": "SO-7"}
    return InvoiceDraft(**(given | changes))


def ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


def test_a_customer_is_found_by_the_intent_that_made_it(gateway: InvoiceGateway, account: str, shop: Shop):
    address = Address(line1="Main Street 1", country="DE")
    shop.customer(metadata={METADATA_REFERENCE: "r-1"})
    wanted = shop.customer(metadata={METADATA_REFERENCE: "r-2"}, address=address)

    assert gateway.find_customer(account, "buyer@shop.test", "r-2") == wanted
    assert gateway.find_customer(account, "buyer@shop.test", "r-3") is None
    assert gateway.find_customer(account, "other@shop.test", "r-2") is None


def test_a_deleted_customer_is_not_found(world: World, account: str, shop: Shop):
    customer = shop.customer(metadata={METADATA_REFERENCE: "r-1"})

    world.delete_customer(account, customer)

    assert world.payments.find_customer(account, "buyer@shop.test", "r-1") is None


def test_a_draft_begins_empty(gateway: InvoiceGateway, account: str, shop: Shop):
    customer = shop.customer()

    draft = shop.empty_draft(customer_id=customer, metadata={"order": "7"})

    assert (draft.status, draft.customer_id, draft.currency) == (DRAFT, customer, "EUR")
    assert (draft.total, draft.amount_due, draft.line_count, draft.number) == (0, 0, 0, None)
    assert dict(draft.metadata) == {"order": "7"}
    assert gateway.invoice(account, draft.id).status is DRAFT


def test_no_draft_is_made_for_a_customer_that_is_gone(world: World, account: str, shop: Shop):
    deleted = shop.customer()
    world.delete_customer(account, deleted)

    for customer in (deleted, "cus_never_there"):
        with pytest.raises(ObjectMissing):
            shop.empty_draft(customer_id=customer)


def test_an_invoice_is_found_by_the_intent_that_made_it(gateway: InvoiceGateway, account: str, shop: Shop):
    customer, other = shop.customer(), shop.customer()
    draft = shop.empty_draft(customer_id=customer, metadata={METADATA_REFERENCE: "r-1"})

    found = gateway.find_invoice(account, customer, "r-1", ago(minutes=1))

    assert found is not None
    assert found.id == draft.id
    assert gateway.find_invoice(account, customer, "r-2", ago(minutes=1)) is None
    assert gateway.find_invoice(account, other, "r-1", ago(minutes=1)) is None
    assert gateway.find_invoice(account, customer, "r-1", ago(hours=-1)) is None


def test_all_lines_are_counted_though_stripe_shows_the_first_ten(
    gateway: InvoiceGateway, account: str, shop: Shop
):
    draft = shop.draft()
    for _ in range(5):
        gateway.add_lines(account, draft.id, LINES, shop.key())

    assert gateway.invoice(account, draft.id).line_count == 12


def test_lines_add_up_to_the_total(shop: Shop):
    draft = shop.draft()

    assert (draft.status, draft.line_count) == (DRAFT, 2)
    assert (draft.total, draft.amount_due, draft.amount_remaining, draft.amount_paid) == (
        TOTAL,
        TOTAL,
        TOTAL,
        0,
    )


def test_as_many_lines_as_stripe_takes_go_in_at_once(gateway: InvoiceGateway, account: str, shop: Shop):
    lines = [InvoiceLine(description=f"Line {number}", amount=number) for number in range(250)]

    draft = gateway.add_lines(account, shop.empty_draft().id, lines, shop.key())

    assert draft.total == sum(range(250))


def test_finalizing_asks_the_customer_to_pay(shop: Shop):
    invoice = shop.open()

    assert (invoice.status, invoice.total, invoice.amount_due) == (OPEN, TOTAL, TOTAL)
    assert invoice.number
    assert invoice.hosted_invoice_url
    assert invoice.invoice_pdf
    assert invoice.finalized_at is not None
    assert abs(invoice.finalized_at - ago()) < timedelta(minutes=1)
    assert invoice.due_date is not None
    assert abs(invoice.due_date - ago(days=-14)) < timedelta(minutes=1)
    (payment,) = invoice.payments or ()
    assert (payment.status, payment.is_default, payment.invoice_id) == ("open", True, invoice.id)
    assert payment.payment_intent_id
    assert (payment.charge_id, payment.paid_at) == (None, None)


def test_finalizing_what_is_worth_nothing_leaves_it_paid_without_a_payment(
    gateway: InvoiceGateway, account: str, shop: Shop
):
    invoice = gateway.finalize(account, shop.empty_draft().id, shop.key())

    assert (invoice.status, invoice.payments) == (PAID, ())
    assert list(gateway.payments_of(account, invoice.id)) == []


@pytest.mark.parametrize("balance", [500, -500])
def test_a_customers_balance_moves_what_is_due_but_not_the_total(
    world: World, account: str, shop: Shop, balance: int
):
    customer = shop.customer()
    shop.draft(
        customer_id=customer
    )  # A customer's balance is in the currency in which they were first billed.
    world.set_balance(account, customer, balance)

    invoice = shop.open(customer_id=customer)

    assert (invoice.total, invoice.amount_due) == (TOTAL, TOTAL + balance)
    assert invoice.starting_balance == balance


def test_what_is_sent_shows_as_sent(gateway: InvoiceGateway, account: str, shop: Shop):
    invoice, unsent = shop.open(), shop.open()
    assert not gateway.was_sent(account, invoice.id, ago(minutes=1))

    sent = gateway.send(account, invoice.id, shop.key())

    assert (sent.id, sent.status) == (invoice.id, OPEN)
    assert gateway.was_sent(account, invoice.id, ago(minutes=1))
    assert not gateway.was_sent(account, unsent.id, ago(minutes=1))
    assert not gateway.was_sent(account, invoice.id, ago(hours=-1))


def test_an_open_invoice_may_be_sent_again(gateway: InvoiceGateway, account: str, shop: Shop):
    invoice = shop.open()

    for _ in range(2):
        assert gateway.send(account, invoice.id, shop.key()).status is OPEN


def test_a_voided_invoice_cannot_be_paid_any_more(gateway: InvoiceGateway, account: str, shop: Shop):
    invoice = shop.open()

    voided = gateway.void(account, invoice.id, shop.key())

    assert (voided.status, voided.number) == (VOID, invoice.number)
    assert voided.voided_at is not None
    assert [payment.status for payment in gateway.payments_of(account, invoice.id)] == ["canceled"]


def test_an_invoice_given_up_shows_as_uncollectible(world: World, account: str, shop: Shop):
    invoice = shop.open()

    world.mark_uncollectible(account, invoice.id)

    assert world.payments.invoice(account, invoice.id).status is UNCOLLECTIBLE


def test_an_edited_invoice_is_void_and_names_the_one_that_took_its_place(
    world: World, account: str, shop: Shop
):
    invoice = shop.open()

    revision_id = world.revise(account, invoice.id)

    original, revision = (world.payments.invoice(account, each) for each in (invoice.id, revision_id))
    assert (original.status, original.latest_revision) == (VOID, revision_id)
    assert (revision.status, revision.latest_revision) == (OPEN, None)
    assert (revision.amount_due, revision.customer_id) == (invoice.amount_due, invoice.customer_id)
    world.pay(account, revision_id)
    assert world.payments.invoice(account, revision_id).status is PAID


def test_a_deleted_draft_is_gone(gateway: InvoiceGateway, account: str, shop: Shop):
    draft = shop.draft()

    gateway.delete_draft(account, draft.id)

    with pytest.raises(ObjectMissing):
        gateway.invoice(account, draft.id)
    with pytest.raises(ObjectMissing):
        gateway.delete_draft(account, draft.id)


def test_a_paid_invoice_shows_its_payment_and_charge(world: World, account: str, shop: Shop):
    opened = shop.open()
    world.pay(account, opened.id)

    invoice = world.payments.invoice(account, opened.id)
    (payment,) = world.payments.payments_of(account, opened.id)

    assert (invoice.status, invoice.amount_paid, invoice.amount_remaining) == (PAID, TOTAL, 0)
    assert invoice.paid_at is not None
    assert (payment.status, payment.amount_paid, payment.is_default) == ("paid", TOTAL, True)
    assert payment.paid_at is not None
    assert payment.charge_id
    assert payment.payment_intent_id == (opened.payments or ())[0].payment_intent_id
    assert invoice.payments is not None
    assert [shown.id for shown in invoice.payments] == [payment.id]
    # The charge is one level deeper than Stripe expands from an invoice.
    assert (payment.method, invoice.payments[0].method) == ("card", None)


def test_a_payment_is_found_by_its_payment_intent(world: World, account: str, shop: Shop):
    paid, unpaid = shop.open(), shop.open()
    world.pay(account, paid.id)

    for invoice in (paid, unpaid):
        (payment,) = world.payments.payments_of(account, invoice.id)
        assert world.payments.find_payment(account, str(payment.payment_intent_id)) == payment
    assert world.payments.find_payment(account, "pi_of_something_else") is None


def test_an_invoice_may_be_paid_in_parts(world: World, account: str, shop: Shop):
    invoice = shop.open()
    world.pay(account, invoice.id, 3_000)
    partly = world.payments.invoice(account, invoice.id)
    with pytest.raises(GatewayRefused):
        world.payments.void(account, invoice.id, shop.key())
    world.pay(account, invoice.id)

    payments = world.payments.payments_of(account, invoice.id)

    assert (partly.status, partly.amount_paid, partly.amount_remaining) == (OPEN, 3_000, TOTAL - 3_000)
    assert world.payments.invoice(account, invoice.id).status is PAID
    assert paid_amounts(payments) == [3_000, TOTAL - 3_000]
    assert len({payment.payment_intent_id for payment in payments}) == 2


def paid_amounts(payments: Any) -> list[int]:
    def amount(payment: StripePayment) -> int:
        return payment.amount_paid or 0

    return sorted(amount(payment) for payment in payments if payment.status == "paid")


REFUSED_IN: dict[str, tuple[StripeInvoiceStatus, ...]] = {
    "add_lines": (OPEN, PAID, VOID),
    "finalize": (OPEN, PAID, VOID),
    "send": (PAID, VOID),
    # Stripe's documentation and its behavior differ about voiding an uncollectible one; being refused is the worse case.
    "void": (DRAFT, PAID, VOID, UNCOLLECTIBLE),
    "delete_draft": (OPEN, PAID, VOID),
}


@pytest.mark.parametrize("method", REFUSED_IN)
def test_a_call_that_does_not_suit_the_invoices_state_is_refused(
    world: World, account: str, shop: Shop, method: str
):
    for status in REFUSED_IN[method]:
        invoice_id = in_state(world, account, shop, status)
        with pytest.raises(GatewayRefused) as caught:
            calls(world.payments, account, invoice_id, shop.key)[method]()
        assert type(caught.value) is GatewayRefused
        assert world.payments.invoice(account, invoice_id).status is status


def in_state(world: World, account: str, shop: Shop, status: StripeInvoiceStatus) -> str:
    if status is DRAFT:
        return shop.draft().id
    invoice_id = shop.open().id
    if status is PAID:
        world.pay(account, invoice_id)
    if status is UNCOLLECTIBLE:
        world.mark_uncollectible(account, invoice_id)
    if status is VOID:
        world.payments.void(account, invoice_id, shop.key())
    return invoice_id


def calls(
    gateway: InvoiceGateway, account: str, invoice_id: str, key: Callable[[], str]
) -> dict[str, Callable[[], object]]:
    """Each call about one invoice."""
    return {
        "add_lines": lambda: gateway.add_lines(account, invoice_id, LINES, key()),
        "finalize": lambda: gateway.finalize(account, invoice_id, key()),
        "send": lambda: gateway.send(account, invoice_id, key()),
        "void": lambda: gateway.void(account, invoice_id, key()),
        "delete_draft": lambda: gateway.delete_draft(account, invoice_id),
        "invoice": lambda: gateway.invoice(account, invoice_id),
    }


def test_what_an_account_does_not_have_is_missing(
    gateway: InvoiceGateway, account: str, other_account: str, shop: Shop
):
    elsewhere = Shop(gateway, other_account).open().id

    for invoice_id in ("in_never_there", elsewhere):
        for call in calls(gateway, account, invoice_id, shop.key).values():
            with pytest.raises(ObjectMissing) as caught:
                call()
            assert caught.value.code == "resource_missing"


def test_an_account_that_revoked_its_consent_is_closed_to_every_call(world: World, account: str, shop: Shop):
    invoice = shop.open()
    world.payments.create_customer(account, customer_draft(), "used-before")

    world.revoke(account)

    for call in calls(world.payments, account, invoice.id, shop.key).values():
        with pytest.raises(AccessRevoked):
            call()
    for key in ("used-before", "new"):
        with pytest.raises(AccessRevoked):
            world.payments.create_customer(account, customer_draft(), key)
    with pytest.raises(AccessRevoked):
        world.payments.was_sent(account, invoice.id, ago(minutes=1))


@pytest.mark.parametrize("rest", ["", " ", None])
def test_what_of_an_address_is_empty_is_no_part_of_it(shop: Shop, rest: str | None):
    for line1 in ("Main Street 1", rest):
        address = Address(line1=line1, line2=rest, city=rest, state=rest, postal_code=rest)

        assert shop.customer(address=address)


def test_the_same_key_has_its_effect_once(gateway: InvoiceGateway, account: str, shop: Shop):
    first = gateway.create_customer(account, customer_draft(), "key")
    draft = shop.draft()
    finalized = gateway.finalize(account, draft.id, "key-of-finalize")

    assert gateway.create_customer(account, customer_draft(), "key") == first
    assert gateway.finalize(account, draft.id, "key-of-finalize") == finalized


def test_a_key_is_an_accounts_own(gateway: InvoiceGateway, account: str, other_account: str):
    here = gateway.create_customer(account, customer_draft(), "key")
    there = gateway.create_customer(other_account, customer_draft(), "key")

    assert here != there


def test_a_key_used_for_something_else_proves_nothing(gateway: InvoiceGateway, account: str):
    gateway.create_customer(account, customer_draft(), "key")

    with pytest.raises(OutcomeUnknown):
        gateway.create_customer(account, customer_draft(name="Other"), "key")


def test_an_effect_whose_answer_was_lost_is_found_again(world: World, account: str, shop: Shop):
    metadata = {METADATA_REFERENCE: "r-1"}
    world.lose_the_answer_of_the_next("create_customer")
    with pytest.raises(OutcomeUnknown):
        shop.customer(metadata=metadata)
    customer = world.payments.find_customer(account, "buyer@shop.test", "r-1")
    assert customer is not None

    world.lose_the_answer_of_the_next("create_draft")
    with pytest.raises(OutcomeUnknown):
        shop.empty_draft(customer_id=customer, metadata=metadata)
    assert world.payments.find_invoice(account, customer, "r-1", ago(minutes=1)) is not None


def test_a_busy_stripe_has_done_nothing(world: World, account: str, shop: Shop):
    draft = shop.draft()
    world.be_busy_for_the_next("finalize")

    with pytest.raises(GatewayBusy):
        world.payments.finalize(account, draft.id, "key")

    assert world.payments.invoice(account, draft.id).status is DRAFT
    assert world.payments.finalize(account, draft.id, "key").status is OPEN


def test_of_many_that_finalize_at_once_one_does(gateway: InvoiceGateway, account: str, shop: Shop):
    draft = shop.draft()

    def finalize(key: str) -> str:
        try:
            return gateway.finalize(account, draft.id, key).status
        except GatewayError as error:
            return type(error).__name__

    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(finalize, [shop.key() for _ in range(4)]))

    assert outcomes == ["GatewayRefused", "GatewayRefused", "GatewayRefused", "open"]


LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def test_the_list_has_all_invoices_newest_first_with_their_customers(gateway, account, shop):
    customer = shop.customer(metadata={"customer_id": "77"})
    made = [shop.empty_draft(customer_id=customer, metadata={"n": str(number)}) for number in range(5)]
    listed = [each for page in gateway.invoices_since(account, LONG_AGO) for each in page]
    assert [each.invoice.id for each in listed] == [each.id for each in reversed(made)]
    assert {each.customer_metadata["customer_id"] for each in listed} == {"77"}
    assert {each.customer_email for each in listed} == {"buyer@shop.test"}
    assert [each.invoice.metadata["n"] for each in listed] == ["4", "3", "2", "1", "0"]
    assert {each.revises for each in listed} == {None}


def test_the_list_leaves_out_what_is_older(gateway, account, shop):
    shop.empty_draft()
    assert not [
        page for page in gateway.invoices_since(account, datetime.now(UTC) + timedelta(hours=1)) if page
    ]


def test_the_list_shows_which_invoice_was_made_to_replace_another(world, gateway, account, shop):
    original = shop.open().id
    revision = world.revise(account, original)
    listed = [each for page in gateway.invoices_since(account, LONG_AGO) for each in page]
    assert {each.invoice.id: each.revises for each in listed} == {original: None, revision: original}


def test_the_list_has_invoices_of_deleted_customers(world, gateway, account, shop):
    customer = shop.customer(metadata={"customer_id": "77"})
    invoice = shop.open(customer_id=customer)
    world.delete_customer(account, customer)
    ((listed,),) = gateway.invoices_since(account, LONG_AGO)
    assert listed.invoice.id == invoice.id
    assert listed.customer_email == "buyer@shop.test"

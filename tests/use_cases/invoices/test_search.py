from datetime import timedelta

import pytest

from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.domain.payment_status import PaymentStatus
from stripe_bridge.use_cases.invoices.search import MOST_CUSTOMERS, InvoiceQuery, SearchBy, recognize
from tests.builders import TENANT, a_customer, a_customer_key
from tests.world import World


def search(world: World, tenant: str = TENANT, **query):
    return world.bridge.invoices.search(tenant, InvoiceQuery(**query), PageRequest())


def found(world: World, **query) -> list[int]:
    return [invoice.id for invoice in search(world, **query).page.items]


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("in_1PgQ2x", SearchBy.STRIPE_ID),
        ("pi_1", SearchBy.STRIPE_ID),
        ("ch_1", SearchBy.STRIPE_ID),
        ("py_1", SearchBy.STRIPE_ID),
        ("jenny@", SearchBy.EMAIL),
        ("in_love@example.com", SearchBy.STRIPE_ID),
        ("1001", SearchBy.ORDER),
        ("ROSEN-0001", SearchBy.NUMBER),
        ("²", SearchBy.NUMBER),
    ],
)
def test_what_is_typed_in_is_taken_for_what_it_looks_like(text, by):
    assert recognize(text) is by


def test_an_invoice_is_found_by_whatever_is_at_hand(world: World):
    other, invoice = world.sent(502, customer=a_customer(id=78, email="Zoe@Example.com")), world.paid()
    assert invoice.number is not None
    assert invoice.stripe_charge_id is not None
    texts = [
        invoice.number,
        invoice.number.lower(),
        "jane@customer.example",
        "JANE@",
        invoice.stripe_invoice_id,
        invoice.stripe_payment_intent_id,
        invoice.stripe_charge_id,
        "501",
    ]
    for text in texts:
        assert found(world, text=text) == [invoice.id], text
    assert found(world, text="SO-501", by=SearchBy.ORDER) == [invoice.id]
    assert found(world, text="zoe@example.com") == [other.id]
    for nothing in ("NOBODY", "in_0", "x@", "9" * 30, "9" * 5_000, "0"):
        assert found(world, text=nothing) == [], nothing
    assert [each.id for each in search(world, "other", text="501").page.items] == []


def test_what_is_searched_is_narrowed_down_by_the_filters(world: World):
    unpaid, paid = world.sent(502), world.paid(501)
    assert found(world) == [paid.id, unpaid.id]
    assert found(world, status=InvoiceStatus.OPEN) == [unpaid.id]
    assert found(world, payment_status=PaymentStatus.PAID) == [paid.id]
    assert found(world, payment_status=PaymentStatus.PAID, text="502") == []
    assert found(world, integration_id=world.integration_id) == [paid.id, unpaid.id]
    assert found(world, integration_id=world.add_integration()) == []
    now = world.clock.now()
    assert found(world, created_from=now - timedelta(days=1), created_before=now + timedelta(days=1))
    assert found(world, created_from=now + timedelta(days=1)) == []
    assert found(world, created_before=now - timedelta(days=1)) == []


def test_what_is_found_comes_with_the_names_of_its_integrations(world: World):
    invoice = world.sent()
    shown = search(world)
    assert shown.integration_names[invoice.integration_id] == "Main shop"
    assert [each.id for each in shown.integrations] == [invoice.integration_id]


def test_an_integration_that_is_not_among_the_newest_is_named_too(world: World):
    invoice = world.sent()
    for _ in range(100):
        world.add_integration(name="Pop-up")
    shown = search(world)
    assert invoice.integration_id not in [each.id for each in shown.integrations]
    assert shown.integration_names[invoice.integration_id] == "Main shop"


def test_it_is_said_if_more_customers_match_than_are_searched(world: World):
    world.sent()
    assert not search(world, text="j@").has_more_customers
    with world.store.writing() as work:
        for number in range(MOST_CUSTOMERS):
            work.customers.get_or_add(a_customer_key(email=f"j@{number}.example"))
        work.commit()
    assert search(world, text="j@").has_more_customers
    assert not search(world, text="jane@").has_more_customers

"""Pages, cursors and expansion."""

import pytest
import stripe


@pytest.fixture
def names(shop):
    for number in range(5):
        shop.customer(name=str(number))
    return shop


def page(shop, **params):
    found = shop.v1.customers.list(params, shop.options)
    return [customer.name for customer in found.data], found.has_more


def test_lists_are_newest_first_and_show_whether_there_is_more(names):
    assert page(names) == (["4", "3", "2", "1", "0"], False)
    assert page(names, limit=2) == (["4", "3"], True)


def test_limits_are_clamped_and_never_refused(names):
    assert page(names, limit=0) == (["4"], True)
    assert page(names, limit=-1) == (["4"], True)
    assert page(names, limit=1000)[1] is False


def test_cursors_walk_both_ways(names):
    ids = {c.name: c.id for c in names.v1.customers.list({}, names.options).data}
    assert page(names, limit=2, starting_after=ids["3"]) == (["2", "1"], True)
    assert page(names, limit=2, starting_after=ids["1"]) == (["0"], False)
    assert page(names, limit=2, ending_before=ids["1"]) == (["3", "2"], True)
    assert page(names, limit=2, ending_before=ids["3"]) == (["4"], False)


def test_automatic_paging_of_the_sdk_sees_everything_both_ways(names):
    forwards = names.v1.customers.list({"limit": 2}, names.options).auto_paging_iter()
    assert [customer.name for customer in forwards] == ["4", "3", "2", "1", "0"]
    oldest = names.v1.customers.list({}, names.options).data[-1].id
    backwards = names.v1.customers.list(
        {"limit": 2, "ending_before": oldest}, names.options
    ).auto_paging_iter()
    assert [customer.name for customer in backwards] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("name", ["starting_after", "ending_before"])
def test_a_cursor_that_names_nothing_is_a_400_with_its_name(names, name):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        page(names, **{name: "cus_nobody"})
    assert (refusal.value.http_status, refusal.value.code, refusal.value.param) == (
        400,
        "resource_missing",
        name,
    )


def test_emails_are_compared_with_their_case_and_follow_updates(shop):
    customer = shop.customer(email="Anna@example.com")
    assert [c.id for c in shop.v1.customers.list({"email": "Anna@example.com"}, shop.options).data] == [
        customer.id
    ]
    assert shop.v1.customers.list({"email": "anna@example.com"}, shop.options).data == []
    shop.v1.customers.update(customer.id, {"email": "anna@example.com"}, shop.options)
    assert shop.v1.customers.list({"email": "Anna@example.com"}, shop.options).data == []
    assert [c.id for c in shop.v1.customers.list({"email": "anna@example.com"}, shop.options).data] == [
        customer.id
    ]


def test_a_list_can_be_narrowed_by_its_time(shop):
    created = shop.customer().created
    options = shop.options
    assert shop.v1.customers.list({"created": {"gte": created}}, options).data
    assert not shop.v1.customers.list({"created": {"gt": created + 5}}, options).data
    assert not shop.v1.customers.list({"created": {"lt": created}}, options).data


def test_expansion_goes_four_levels_deep_and_not_five(shop):
    invoice = shop.paid(500)
    payment = shop.payments(invoice.id, expand=["data.payment.payment_intent.latest_charge"])[0]
    assert payment.payment.payment_intent.latest_charge.paid
    read = shop.read(invoice.id, "payments.data.payment.payment_intent", "customer")
    assert read.payments.data[0].payment.payment_intent.status == "succeeded"
    assert read.customer.email.endswith("@example.com")
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        shop.read(invoice.id, "payments.data.payment.payment_intent.latest_charge")
    assert (refusal.value.code, refusal.value.param) == ("property_expansion_max_depth", None)


def test_payments_and_refunds_are_only_there_when_asked_for(shop):
    invoice = shop.paid(500)
    charge = shop.charge_of(invoice.id)
    assert "payments" not in shop.read(invoice.id)
    assert "refunds" not in charge
    assert shop.v1.charges.retrieve(charge.id, {"expand": ["refunds"]}, shop.options).refunds.data == []


def test_what_cannot_be_expanded_is_refused_before_the_object_is_looked_up(shop):
    for invoice in (shop.draft(100).id, "in_nothing"):
        for path in ("nonsense", "status"):
            with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded") as refusal:
                shop.read(invoice, path)
            assert (refusal.value.http_status, refusal.value.code) == (400, None)


def test_a_refused_expansion_leaves_no_effect(shop):
    with pytest.raises(stripe.InvalidRequestError):
        shop.customer(expand=["nonsense"])
    assert shop.v1.customers.list({}, shop.options).data == []

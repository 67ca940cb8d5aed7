"""Creating an invoice, and what can happen to it."""

import pytest
import stripe

DAY = 24 * 3600


def refusal_of(call, *arguments) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        call(*arguments)
    return refusal.value


def test_a_draft_has_no_number_and_no_links_and_is_due_exactly_days_after_its_creation(shop):
    invoice = shop.draft(days_until_due=30)
    assert (invoice.status, invoice.number, invoice.hosted_invoice_url) == ("draft", None, None)
    assert (invoice.total, invoice.amount_due, invoice.ending_balance) == (0, 0, None)
    assert invoice.due_date == invoice.created + 30 * DAY


def test_lines_add_up_and_negative_ones_take_away(shop):
    invoice = shop.draft(1000, 500, -200)
    assert (invoice.subtotal, invoice.total, invoice.amount_due, invoice.amount_remaining) == (
        1300,
        1300,
        1300,
        1300,
    )
    assert [line.amount for line in invoice.lines.data] == [1000, 500, -200]


def test_lines_by_price_and_quantity_and_with_taxes(shop):
    invoice = shop.draft()
    price = {"currency": "usd", "unit_amount": 250, "product_data": {"name": "Bolt"}}
    tax = {
        "amount": 100,
        "taxable_amount": 1000,
        "tax_rate_data": {"display_name": "VAT", "inclusive": False, "percentage": 10},
    }
    lines = [
        {"price_data": price, "quantity": 4, "tax_amounts": [tax]},
        {"price_data": {**price, "unit_amount": 3}, "quantity_decimal": "0.5"},
    ]
    invoice = shop.v1.invoices.add_lines(invoice.id, {"lines": lines}, shop.options)
    assert [line.amount for line in invoice.lines.data] == [1000, 2]
    assert (invoice.subtotal, invoice.total, invoice.total_excluding_tax) == (1002, 1102, 1002)
    assert invoice.lines.data[0].description == "Bolt"


def test_lines_can_be_changed_and_taken_away_in_a_draft(shop):
    invoice = shop.draft(100, 200)
    first, second = invoice.lines.data
    change = {"lines": [{"id": first.id, "amount": 150, "metadata": {"k": "v"}}]}
    assert shop.v1.invoices.update_lines(invoice.id, change, shop.options).total == 350
    removal = {"lines": [{"id": second.id, "behavior": "delete"}]}
    changed = shop.v1.invoices.remove_lines(invoice.id, removal, shop.options)
    assert [(line.id, line.amount, line.metadata.to_dict()) for line in changed.lines.data] == [
        (first.id, 150, {"k": "v"})
    ]


def test_an_amount_and_a_quantity_exclude_each_other(shop):
    lines = {"lines": [{"amount": 5, "quantity": 2}]}
    error = refusal_of(shop.v1.invoices.add_lines, shop.draft().id, lines, shop.options)
    assert error.user_message == "You may only specify one of these parameters: amount, quantity."
    assert error.param == "lines[0][amount]"


def test_at_most_250_lines_and_only_the_first_ten_come_with_the_invoice(shop):
    invoice = shop.draft(*range(1, 251))
    assert len(invoice.lines.data) == 10
    assert invoice.lines.has_more
    listed = shop.v1.invoices.line_items.list(invoice.id, {"limit": 100}, shop.options).auto_paging_iter()
    assert [line.amount for line in listed] == list(range(1, 251))
    refusal_of(shop.add_lines, invoice.id, 1)


def test_a_sent_invoice_needs_to_be_due_and_one_charged_automatically_must_not(shop):
    assert refusal_of(lambda: shop.draft(days_until_due=None)).code is None
    assert refusal_of(lambda: shop.draft(collection_method=None)).code is None


def test_a_customer_has_to_exist_and_live(shop):
    error = refusal_of(lambda: shop.draft(customer="cus_nobody"))
    assert (error.http_status, error.code, error.param) == (400, "resource_missing", "customer")
    gone = shop.customer().id
    assert shop.v1.customers.delete(gone, {}, shop.options).deleted
    assert refusal_of(lambda: shop.draft(customer=gone)).code == "resource_missing"


def test_a_deleted_customer_reads_as_a_stub_of_three_keys(shop):
    customer = shop.customer()
    shop.v1.customers.delete(customer.id, {}, shop.options)
    assert shop.v1.customers.retrieve(customer.id, {}, shop.options).to_dict() == {
        "id": customer.id,
        "object": "customer",
        "deleted": True,
    }


def test_an_unknown_currency_is_refused_with_the_list_of_known_ones(shop):
    error = refusal_of(lambda: shop.draft(currency="xyz"))
    assert error.param == "currency"
    assert "usd" in error.user_message


def test_finalizing_numbers_the_invoice_and_asks_for_payment(shop):
    customer = shop.customer()
    first = shop.open(500, customer=customer.id)
    second = shop.open(500, customer=customer.id)
    assert [first.number, second.number] == [f"{customer.invoice_prefix}-000{n}" for n in (1, 2)]
    assert (first.status, first.ending_balance, first.attempted) == ("open", 0, False)
    assert first.hosted_invoice_url.startswith("http")
    assert first.status_transitions.finalized_at
    [payment] = shop.payments(first.id, expand=["data.payment.payment_intent"])
    assert (payment.status, payment.is_default, payment.amount_requested) == ("open", True, 500)
    intent = payment.payment.payment_intent
    assert (intent.status, intent.amount, intent.latest_charge) == ("requires_payment_method", 500, None)
    assert (
        shop.read(first.id, "confirmation_secret").confirmation_secret.client_secret == intent.client_secret
    )


def test_what_an_invoice_no_longer_has_is_not_there(shop):
    invoice = shop.paid(500).to_dict()
    assert {"charge", "payment_intent", "paid", "paid_out_of_band", "payments"}.isdisjoint(invoice)
    assert "invoice" not in shop.charge_of(invoice["id"]).to_dict()


def test_finalizing_twice_is_refused(shop):
    error = refusal_of(shop.finalize, shop.open().id)
    assert error.user_message.startswith("This invoice is already finalized")
    assert error.code is None


def test_sending_finalizes_a_draft_and_sends_an_open_one_again(shop):
    invoice = shop.send(shop.draft(500).id)
    assert invoice.status == "open"
    assert shop.send(invoice.id).status == "open"
    assert shop.event_types().count("invoice.sent") == 2
    shop.control.pay(invoice.id)
    assert refusal_of(shop.send, invoice.id).user_message.startswith("This invoice cannot be sent right now")


def test_sending_needs_an_email(shop):
    automatic = {"collection_method": "charge_automatically", "days_until_due": None}
    invoice = shop.draft(500, customer=shop.customer(email=None).id, **automatic)
    sent = {"collection_method": "send_invoice", "days_until_due": 30}
    shop.v1.invoices.update(invoice.id, sent, shop.options)
    assert refusal_of(shop.send, invoice.id).user_message.startswith("Missing email")
    assert shop.read(invoice.id).status == "draft"


def test_a_zero_invoice_is_paid_at_once_without_a_payment_intent(shop):
    for invoice in (shop.finalize(shop.draft().id), shop.finalize(shop.draft(500, -500).id)):
        assert (invoice.status, invoice.attempted, invoice.attempt_count) == ("paid", True, 0)
        assert shop.payments(invoice.id) == []
    assert {"invoice.finalized", "invoice.paid"} <= set(shop.event_types())


def test_a_credit_lowers_what_is_due_but_not_the_total(shop):
    customer = shop.customer(balance=-300)
    draft = shop.draft(1000, customer=customer.id)
    assert (draft.total, draft.amount_due, draft.starting_balance) == (1000, 700, -300)
    invoice = shop.finalize(draft.id)
    assert (invoice.total, invoice.amount_due, invoice.starting_balance, invoice.ending_balance) == (
        1000,
        700,
        -300,
        0,
    )
    assert shop.v1.customers.retrieve(customer.id, {}, shop.options).balance == 0


def test_a_draft_follows_its_customer_and_a_finalized_invoice_does_not(shop):
    customer = shop.customer(email="old@example.com").id
    open_one, draft = shop.open(1000, customer=customer), shop.draft(1000, customer=customer)
    shop.v1.customers.update(customer, {"email": "new@example.com", "balance": -300}, shop.options)
    assert (shop.read(draft.id).customer_email, shop.read(draft.id).amount_due) == ("new@example.com", 700)
    assert (shop.read(open_one.id).customer_email, shop.read(open_one.id).amount_due) == (
        "old@example.com",
        1000,
    )


def test_a_debt_raises_what_is_due(shop):
    invoice = shop.open(1000, customer=shop.customer(balance=250).id)
    assert (invoice.total, invoice.amount_due) == (1000, 1250)


def test_a_balance_given_in_the_dashboard_counts_and_is_in_the_accounts_currency(shop):
    customer = shop.customer().id
    fresh = shop.v1.customers.retrieve(customer, {}, shop.options)
    assert (fresh.balance, fresh.currency) == (0, None)
    reported = shop.control.adjust_balance(customer, -500)
    assert (reported["balance"], reported["currency"]) == (-500, "usd")
    booked = shop.v1.customers.balance_transactions.list(customer, {}, shop.options).data
    assert [(one.amount, one.ending_balance, one.type) for one in booked] == [(-500, -500, "adjustment")]
    assert shop.event_types()[-1] == "customer.updated"
    invoice = shop.open(1000, customer=customer)
    assert (invoice.total, invoice.amount_due, invoice.ending_balance) == (1000, 500, 0)


def test_voiding_gives_the_balance_back(shop):
    customer = shop.customer(balance=-300)
    invoice = shop.open(1000, customer=customer.id)
    shop.v1.invoices.void_invoice(invoice.id, {}, shop.options)
    assert shop.v1.customers.retrieve(customer.id, {}, shop.options).balance == -300
    booked = shop.v1.customers.balance_transactions.list(customer.id, {}, shop.options).data
    assert [one.type for one in booked] == ["unapplied_from_invoice", "applied_to_invoice", "adjustment"]


def test_less_than_the_minimum_is_carried_to_the_customers_balance(shop):
    customer = shop.customer()
    invoice = shop.open(49, customer=customer.id)
    assert (invoice.status, invoice.total, invoice.amount_due, invoice.ending_balance) == ("paid", 49, 0, 49)
    assert shop.open(1000, customer=customer.id).amount_due == 1049


@pytest.mark.parametrize(("amount", "due", "carried"), [(1249, 1200, 49), (1250, 1300, -50), (500, 500, 0)])
def test_isk_and_ugx_are_rounded_to_whole_hundreds(shop, amount, due, carried):
    for currency in ("isk", "ugx"):
        invoice = shop.open(amount, currency=currency)
        assert (invoice.total, invoice.amount_due, invoice.ending_balance) == (amount, due, carried)


def test_three_decimal_amounts_end_in_zero(shop):
    draft = shop.draft(5_124, currency="kwd")
    with pytest.raises(stripe.InvalidRequestError, match="multiples of 10"):
        shop.finalize(draft.id)
    assert shop.read(draft.id).status == "draft"
    assert shop.open(5_124, -4, currency="kwd").amount_due == 5_120


def test_only_metadata_may_change_after_finalization(shop):
    invoice = shop.open()
    changed = shop.v1.invoices.update(invoice.id, {"metadata": {"k": "v"}}, shop.options)
    assert changed.metadata.to_dict() == {"k": "v"}
    error = refusal_of(shop.v1.invoices.update, invoice.id, {"description": "x"}, shop.options)
    assert error.user_message.startswith("Finalized invoices can't be updated in this way")
    assert refusal_of(shop.add_lines, invoice.id, 5).code == "invoice_not_editable"


def test_a_draft_is_deleted_and_nothing_else_is(shop):
    draft = shop.draft(100)
    assert shop.v1.invoices.delete(draft.id, {}, shop.options).deleted
    assert refusal_of(shop.read, draft.id).code == "resource_missing"
    error = refusal_of(shop.v1.invoices.delete, shop.open().id, {}, shop.options)
    assert error.user_message == "You can only delete draft invoices."


def test_voiding_an_open_invoice_cancels_its_intent_and_leaves_its_amounts(shop):
    invoice = shop.v1.invoices.void_invoice(shop.open(500).id, {}, shop.options)
    assert (invoice.status, invoice.amount_due, invoice.amount_remaining) == ("void", 500, 500)
    [payment] = shop.payments(invoice.id, expand=["data.payment.payment_intent"])
    intent = payment.payment.payment_intent
    assert (payment.status, intent.status, intent.cancellation_reason) == (
        "canceled",
        "canceled",
        "void_invoice",
    )


NOT_OPEN = "You can only pass in open invoices. This invoice isn't open."


def test_void_refuses_by_the_state_without_a_code(shop):
    void = shop.v1.invoices.void_invoice
    written_off = shop.open()
    shop.v1.invoices.mark_uncollectible(written_off.id, {}, shop.options)
    voided = void(shop.open().id, {}, shop.options)
    partly_paid = shop.open(500)
    shop.control.pay(partly_paid.id, amount=100)
    for invoice, message in (
        (shop.draft(100), NOT_OPEN),
        (voided, NOT_OPEN),
        (written_off, NOT_OPEN),
        (shop.paid(), "Invoices with `paid` payments cannot be voided."),
        (partly_paid, "Invoices with `paid` payments cannot be voided."),
    ):
        error = refusal_of(void, invoice.id, {}, shop.options)
        assert (error.http_status, error.code, error.user_message) == (400, None, message)


def test_an_uncollectible_invoice_can_be_voided_where_that_is_switched_on(make_emulator):
    emulator = make_emulator(void_uncollectible=True)
    platform = stripe.StripeClient(emulator.settings.secret_key, base_addresses=emulator.base_addresses)
    customer = platform.v1.customers.create({"email": "a@example.com"})
    invoice = platform.v1.invoices.create({"customer": customer.id, "currency": "usd"})
    platform.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 500}]})
    platform.v1.invoices.finalize_invoice(invoice.id)
    platform.v1.invoices.mark_uncollectible(invoice.id)
    assert platform.v1.invoices.void_invoice(invoice.id).status == "void"


def test_an_uncollectible_invoice_still_takes_payment(shop):
    invoice = shop.open()
    assert shop.v1.invoices.mark_uncollectible(invoice.id, {}, shop.options).status == "uncollectible"
    error = refusal_of(shop.v1.invoices.mark_uncollectible, invoice.id, {}, shop.options)
    assert error.user_message == "This invoice has already been marked uncollectible."
    shop.control.pay(invoice.id)
    assert shop.read(invoice.id).status == "paid"


@pytest.mark.parametrize(
    ("operation", "param"),
    [
        ("finalize_invoice", "id"),
        ("void_invoice", "id"),
        ("pay", "id"),
        ("mark_uncollectible", "id"),
        ("update", "id"),
        ("retrieve", "invoice"),
        ("delete", "invoice"),
        ("send_invoice", "invoice"),
    ],
)
def test_a_missing_invoice_is_a_404_with_stripes_own_param_name(shop, operation, param):
    error = refusal_of(getattr(shop.v1.invoices, operation), "in_nothing", {}, shop.options)
    assert (error.http_status, error.code, error.param) == (404, "resource_missing", param)
    assert error.user_message == "No such invoice: 'in_nothing'"


def test_invoices_are_listed_by_customer_and_status(shop):
    customer = shop.customer().id
    first, second = shop.open(customer=customer), shop.draft(100, customer=customer)
    shop.open()
    listed = shop.v1.invoices.list({"customer": customer}, shop.options).data
    assert [invoice.id for invoice in listed] == [second.id, first.id]
    drafts = shop.v1.invoices.list({"status": "draft"}, shop.options).data
    assert [invoice.id for invoice in drafts] == [second.id]


def revised(shop, invoice):
    return shop.v1.invoices.create({"from_invoice": {"action": "revision", "invoice": invoice}}, shop.options)


def test_a_revision_is_a_draft_like_its_original_and_takes_its_place_once_it_is_finalized(shop):
    original = shop.open(1000, 500, metadata={"k": "v"}, description="Desk")

    draft = revised(shop, original.id)

    assert (draft.status, draft.from_invoice.invoice, draft.number) == ("draft", original.id, None)
    assert (draft.total, draft.description, draft.metadata.to_dict()) == (1500, "Desk", {"k": "v"})
    assert {line.id for line in draft.lines.data}.isdisjoint(line.id for line in original.lines.data)
    shown = shop.read(original.id)
    assert (shown.status, shown.latest_revision) == ("open", None)

    changed = shop.add_lines(draft.id, 250)
    revision = shop.finalize(draft.id)

    assert (revision.status, revision.amount_due) == ("open", changed.total)
    shown = shop.read(original.id)
    assert (shown.status, shown.latest_revision) == ("void", revision.id)
    reported = [event.type for event in shop.events() if event.data.object["id"] == original.id]
    assert "invoice.voided" in reported


def test_what_is_paid_void_or_a_draft_cannot_be_revised_nor_what_was_paid_meanwhile(shop):
    void = shop.open()
    shop.v1.invoices.void_invoice(void.id, {}, shop.options)
    for invoice in (shop.paid(), void, shop.draft(100)):
        refusal_of(revised, shop, invoice.id)
    original = shop.open()
    draft = revised(shop, original.id)
    shop.control.pay(original.id)
    refusal_of(shop.finalize, draft.id)
    assert (shop.read(original.id).status, shop.read(draft.id).status) == ("paid", "draft")

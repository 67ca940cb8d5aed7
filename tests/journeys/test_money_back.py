"""Refunds through the API: many at once, voids racing payments, and every kind of currency."""

from collections import Counter
from functools import partial
from typing import Any

import pytest

from stripe_bridge.domain.access import Role
from stripe_bridge.domain.finding import Finding
from stripe_emulator.errors import StripeError
from tests.journeys.combinations import POSTGRES_MANY, POSTGRES_REDIS, SQLITE, on
from tests.journeys.people import Erp, Json, data_of, problem
from tests.journeys.stack import Stack
from tests.journeys.test_races import at_once, of_account, post

TWENTY = 20
VOIDS = PAYMENTS = TWENTY // 2


@on(SQLITE, POSTGRES_MANY)
def test_of_twenty_simultaneous_refunds_of_everything_one_is_issued(stack: Stack, erp: Erp):
    erp.new_order()
    invoice = erp.paid(erp.connect())
    path = f"/api/stripe/invoices/{invoice['id']}/refunds"
    answers = at_once([partial(post, erp, path, {}, erp.token()) for _ in range(TWENTY)])
    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: TWENTY - 1}
    refused = {answer.json()["message"] for answer in answers if answer.status_code == 422}
    assert refused == {"The invoice is refunded in full."}
    assert [one["amount"] for one in of_account(stack, "refunds", invoice["stripe_account_id"])] == [12_450]
    erp.invoice_with(invoice, amount_refunded=12_450, refund_status="full")
    assert [one["status"] for one in erp.refunds(invoice)] == ["succeeded"]
    assert erp.order()["outstanding_in_cents"] == 12_450


@on(SQLITE, POSTGRES_MANY)
def test_of_twenty_simultaneous_partial_refunds_those_that_fit_are_issued(stack: Stack, erp: Erp):
    erp.simple_order(1, "usd", 10_000)
    invoice = erp.paid(erp.connect(), 1)
    path, body = f"/api/stripe/invoices/{invoice['id']}/refunds", {"amount_in_cents": 3_000}
    answers = at_once([partial(post, erp, path, body, erp.token()) for _ in range(TWENTY)])
    assert Counter(answer.status_code for answer in answers) == {201: 3, 422: TWENTY - 3}
    assert len(of_account(stack, "refunds", invoice["stripe_account_id"])) == 3
    erp.invoice_with(invoice, amount_refunded=9_000, refund_status="partial")


@pytest.mark.parametrize(
    "slow",
    [None, {"effect": "delay", "path": "/void$", "ms": 300}, {"effect": "delay", "method": "GET", "ms": 50}],
    ids=["as it comes", "Stripe voids late", "Stripe shows late"],
)
@on(SQLITE, POSTGRES_MANY)
def test_of_twenty_simultaneous_voids_and_payments_either_kind_wins_and_the_answers_tell(
    stack: Stack, erp: Erp, slow: Json | None
):
    erp.new_order()
    integration = erp.connect()
    invoice = erp.sent(integration)
    stripe_id, path = invoice["stripe_invoice_id"], f"/api/stripe/invoices/{invoice['id']}/void"

    def pay() -> bool:
        try:
            stack.control.pay(stripe_id)
        except StripeError:
            return False
        return True

    void = partial(post, erp, path, None, erp.token(Role.MEMBER))
    with stack.misbehaving({"calls": [slow] if slow else []}):
        results: list[Any] = at_once([*[void] * VOIDS, *[pay] * PAYMENTS])
    voids, payments = results[:VOIDS], results[VOIDS:]
    statuses = Counter(answer.status_code for answer in voids)
    refused = {problem(answer, 422)["message"] for answer in voids if answer.status_code != 200}
    (at_stripe,) = of_account(stack, "invoices", invoice["stripe_account_id"])
    charges = of_account(stack, "charges", invoice["stripe_account_id"])

    if at_stripe["status"] == "paid":
        assert (statuses, payments.count(True), len(charges)) == ({422: VOIDS}, 1, 1)
        assert refused == {"The invoice is paid and cannot be voided. Refund it instead."}
        erp.invoice_with(invoice, status="paid", amount_paid=12_450, voided_at=None)
        assert erp.order()["outstanding_in_cents"] == 0
    else:
        assert at_stripe["status"] == "void"
        assert (statuses, payments.count(True), charges) == ({200: 1, 422: VOIDS - 1}, 0, [])
        assert refused == {"The invoice is void and cannot be voided."}
        erp.invoice_with(invoice, status="void", amount_paid=0)
        assert erp.order()["outstanding_in_cents"] == 12_450
        assert erp.sent(integration)["id"] != invoice["id"]


@on(SQLITE, POSTGRES_REDIS)
def test_a_second_refund_that_stripe_has_for_one_of_ours_is_reported_until_it_is_accepted(
    stack: Stack, erp: Erp
):
    erp.new_order()
    invoice = erp.paid(erp.connect())
    account = invoice["stripe_account_id"]
    data_of(erp.refund(invoice, amount_in_cents=4_000), 201)
    (first,) = of_account(stack, "refunds", account)
    second = stack.platform.v1.refunds.create(
        {"payment_intent": first["payment_intent"], "amount": 4_000, "metadata": first["metadata"]},
        {"stripe_account": account},
    )

    erp.invoice_with(invoice, amount_refunded=8_000)
    reported = findings(stack, second.id)
    assert [first["id"] in each.what and "40.00 USD" in each.what for each in reported] == [True]
    assert findings(stack, second.id) == reported, "It stays."
    (ours,) = [one for one in erp.refunds(invoice) if one["refund_id"] == second.id]
    stack.operator.refunds.accept_duplicate(erp.tenant, ours["id"])
    assert findings(stack, second.id) == []


def findings(stack: Stack, stripe_id: str) -> list[Finding]:
    return [each for each in stack.operator.operations.diagnose() if stripe_id in each.what]


# For each currency: an order's total, how much of it to invoice and to refund, and amounts that Stripe would have to round.
EXACT = {
    "JPY": (5_000, 77, 1, None),
    "KRW": (70, 50, 9, None),
    "EUR": (10_000, 51, 1, None),
    "KWD": (5_120, 1_230, 10, 1_235),
    "TND": (9_990, 10, 10, 5),
    "ISK": (1_500, 700, 100, 150),
    "UGX": (2_000, 100, 100, 50),
}


@pytest.mark.parametrize("currency", EXACT)
@on(SQLITE)
def test_parts_of_an_order_are_invoiced_and_refunded_exactly_or_not_at_all(
    stack: Stack, erp: Erp, currency: str
):
    total, part, back, inexact = EXACT[currency]
    integration = erp.connect()
    erp.simple_order(1, currency.lower(), total)
    if inexact is not None:
        refusal = problem(erp.put_order(2, **one_line(currency, inexact)), 422)
        assert list(refusal["errors"]) == ["total_in_cents"]
        refusal = problem(erp.send(integration, 1, amount_in_cents=inexact), 422)
        assert list(refusal["errors"]) == ["amount_in_cents"]
    invoice = erp.paid(integration, 1, amount_in_cents=part)
    assert (invoice["amount"], invoice["amount_paid"], invoice["currency"]) == (part, part, currency)
    if inexact is not None and inexact < part:
        refusal = problem(erp.refund(invoice, amount_in_cents=inexact), 422)
        assert list(refusal["errors"]) == ["amount_in_cents"]

    made = data_of(erp.refund(invoice, amount_in_cents=back), 201)
    assert (made["amount"], made["currency"]) == (back, currency.lower())
    erp.invoice_with(invoice, amount_refunded=back)
    assert erp.order(1)["outstanding_in_cents"] == total - part + back
    if part > back:
        assert data_of(erp.refund(invoice), 201)["amount"] == part - back
    erp.invoice_with(invoice, amount_refunded=part, refund_status="full")
    at_stripe = of_account(stack, "refunds", integration["stripe_account_id"])
    assert sum(one["amount"] for one in at_stripe) == part
    assert {one["currency"] for one in at_stripe} == {currency.lower()}


@pytest.mark.parametrize(
    ("currency", "least"),
    [("USD", 50), ("GBP", 30), ("JPY", 50), ("HUF", 17_500), ("MXN", 1_000), ("CZK", 1_500), ("AED", 200)],
)
@on(SQLITE)
def test_the_least_that_stripe_charges_is_sent_and_less_is_refused(
    stack: Stack, erp: Erp, currency: str, least: int
):
    integration = erp.connect()
    # An order may be worth less than the smallest charge, which is refused only when it is to be invoiced.
    erp.simple_order(1, currency, least - 1)
    erp.simple_order(2, currency, 3 * least)
    refusal = problem(erp.send(integration, 1), 422)
    assert (
        refusal["message"]
        == f"The amount {least - 1} is below Stripe's minimum charge of {least} for {currency}."
    )
    problem(erp.send(integration, 2, amount_in_cents=least - 1), 422)
    assert of_account(stack, "invoices", integration["stripe_account_id"]) == []
    invoice = erp.paid(integration, 2, amount_in_cents=least)
    # A refund has no minimum.
    assert data_of(erp.refund(invoice, amount_in_cents=1), 201)["amount"] == 1


MOST, TOO_MUCH = 999_999_999_999, 10**12


@pytest.mark.parametrize("currency", ["USD", "JPY"])
@on(SQLITE)
def test_the_most_that_stripe_charges_is_sent_and_more_is_refused(stack: Stack, erp: Erp, currency: str):
    integration = erp.connect()
    refusal = problem(erp.put_order(1, **one_line(currency, TOO_MUCH)), 422)
    assert "total_in_cents" in refusal["errors"]
    erp.simple_order(1, currency, MOST)
    assert "amount_in_cents" in problem(erp.send(integration, 1, amount_in_cents=TOO_MUCH), 422)["errors"]
    invoice = erp.paid(integration, 1)
    assert invoice["amount_paid"] == MOST
    assert "amount_in_cents" in problem(erp.refund(invoice, amount_in_cents=TOO_MUCH), 422)["errors"]
    assert data_of(erp.refund(invoice), 201)["amount"] == MOST
    erp.invoice_with(invoice, amount_refunded=MOST, refund_status="full")


def one_line(currency: str, total: int) -> Json:
    line = {"description": "Oak table", "quantity": "1", "amount_in_cents": total}
    return {"currency": currency, "total_in_cents": total, "lines": [line]}

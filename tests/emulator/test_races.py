"""Many callers at once."""

import functools
import threading
from collections.abc import Callable
from typing import Any

import pytest
import stripe

from stripe_emulator.errors import StripeError


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Make all calls from threads that start together; a refusal is an answer, too."""
    barrier = threading.Barrier(len(calls))
    answers: list[Any] = [None] * len(calls)

    def make(place: int) -> None:
        barrier.wait()
        try:
            answers[place] = calls[place]()
        except (stripe.StripeError, StripeError) as refusal:
            answers[place] = refusal

    threads = [threading.Thread(target=make, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def refusals(answers: list[Any]) -> int:
    return sum(isinstance(answer, Exception) for answer in answers)


@pytest.mark.parametrize("turn", range(3))
def test_an_invoice_is_never_both_voided_and_paid(shop, turn):
    invoice = shop.open(500).id
    void = functools.partial(shop.v1.invoices.void_invoice, invoice, {}, shop.options)
    pay = functools.partial(shop.control.pay, invoice)
    answers = at_once([void, pay] * 5)
    read = shop.read(invoice)
    assert refusals(answers) == 9
    assert (read.status, read.amount_paid) in (("void", 0), ("paid", 500))


def test_twenty_full_refunds_make_one(shop):
    charge = shop.charge_of(shop.paid(500).id)
    refund = functools.partial(shop.v1.refunds.create, {"charge": charge.id}, shop.options)
    assert refusals(at_once([refund] * 20)) == 19
    assert len(shop.v1.refunds.list({"charge": charge.id}, shop.options).data) == 1


def test_one_key_from_many_threads_makes_one_customer(shop):
    create = functools.partial(shop.v1.customers.create, {"name": "A"}, shop.keyed("k"))
    answers = at_once([create] * 10)
    made = {answer.id for answer in answers if not isinstance(answer, Exception)}
    busy = [answer for answer in answers if isinstance(answer, stripe.StripeError)]
    assert len(made) == 1
    assert all(answer.http_status == 409 for answer in busy)
    assert len(shop.v1.customers.list({}, shop.options).data) == 1


def test_numbers_of_a_customer_have_no_gap_and_no_double(shop):
    customer = shop.customer().id
    drafts = [shop.draft(500, customer=customer).id for _ in range(8)]
    answers = at_once([functools.partial(shop.finalize, draft) for draft in drafts])
    assert sorted(answer.number[-4:] for answer in answers) == [f"000{n}" for n in range(1, 9)]

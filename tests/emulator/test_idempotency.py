"""Idempotency keys."""

import threading
from typing import Any

import pytest
import stripe

from tests.emulator.conftest import client_of, error_code, header
from tests.emulator.shop import Shop
from tests.waiting import wait_until


def test_the_same_key_and_parameters_give_the_first_answer_again(shop):
    first, second = (shop.v1.customers.create({"name": "A"}, shop.keyed("k")) for _ in range(2))
    assert first.id == second.id
    assert "idempotent-replayed" not in first.last_response.headers
    assert second.last_response.headers["idempotent-replayed"] == "true"
    assert second.last_response.headers["original-request"] == first.last_response.request_id
    assert len(shop.v1.customers.list({}, shop.options).data) == 1


def test_a_repeated_answer_is_the_first_one_whatever_has_become_of_the_object(shop):
    params: Any = {"customer": shop.customer().id, "currency": "usd"}
    first = shop.v1.invoices.create(params, shop.keyed("k"))
    shop.add_lines(first.id, 500)
    shop.finalize(first.id)
    again = shop.v1.invoices.create(params, shop.keyed("k"))
    assert again.to_dict() == first.to_dict()
    assert again.status == "draft"


def test_the_same_key_with_other_parameters_is_an_idempotency_error(shop):
    shop.v1.customers.create({"name": "A"}, shop.keyed("k"))
    with pytest.raises(stripe.IdempotencyError, match="Try using a key other than 'k'"):
        shop.v1.customers.create({"name": "B"}, shop.keyed("k"))


def test_the_same_key_on_another_path_is_an_idempotency_error(shop):
    invoice = shop.draft(100)
    shop.v1.invoices.finalize_invoice(invoice.id, {}, shop.keyed("k"))
    with pytest.raises(stripe.IdempotencyError):
        shop.v1.invoices.send_invoice(invoice.id, {}, shop.keyed("k"))


def test_a_key_of_one_account_means_nothing_in_another(emulator, platform, shop):
    other = Shop(emulator.control, platform, emulator.control.create_account("Other", connected=True)["id"])
    first = shop.v1.customers.create({"name": "A"}, shop.keyed("k"))
    assert other.v1.customers.create({"name": "B"}, other.keyed("k")).id != first.id


def test_a_refusal_of_the_parameters_is_not_kept(shop):
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.customers.create({"colour": "red"}, shop.keyed("k"))
    assert shop.v1.customers.create({"name": "A"}, shop.keyed("k")).name == "A"


def test_a_refusal_by_the_objects_state_is_kept(shop):
    invoice = shop.draft(100)
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="isn't open"):
            shop.v1.invoices.void_invoice(invoice.id, {}, shop.keyed("k"))
        shop.finalize(invoice.id) if shop.read(invoice.id).status == "draft" else None
    assert shop.v1.invoices.void_invoice(invoice.id, {}, shop.keyed("k2")).status == "void"


def test_an_idempotency_key_expires_after_a_day(make_emulator):
    now = [1_800_000_000.0]
    emulator = make_emulator(clock=lambda: now[0])
    platform = client_of(emulator, emulator.settings.secret_key)
    first = platform.v1.customers.create({}, {"idempotency_key": "k"})
    now[0] += 24 * 3600 - 1
    assert platform.v1.customers.create({}, {"idempotency_key": "k"}).id == first.id
    now[0] += 1
    assert platform.v1.customers.create({}, {"idempotency_key": "k"}).id != first.id


def test_a_stored_500_is_given_again_whether_it_had_an_effect_or_not(emulator, shop):
    for number, effect in enumerate(("500_before", "500_after")):
        emulator.control.misbehave({"calls": [{"effect": effect, "method": "POST", "next": 1}]})
        for _ in range(2):
            with pytest.raises(stripe.APIError) as failure:
                shop.v1.customers.create({"name": "A"}, shop.keyed(effect))
            assert failure.value.http_status == 500
        assert header(failure.value, "idempotent-replayed") == "true"
        assert len(shop.v1.customers.list({}, shop.options).data) == number


def test_a_500_that_is_not_stored_lets_the_same_key_through(emulator, shop):
    emulator.control.misbehave({"calls": [{"effect": "500_before", "next": 1, "stored": False}]})
    with pytest.raises(stripe.APIError):
        shop.v1.customers.create({"name": "A"}, shop.keyed("k"))
    assert shop.v1.customers.create({"name": "A"}, shop.keyed("k")).name == "A"


def test_a_second_call_while_the_first_is_under_way_is_a_409(emulator, shop):
    emulator.control.misbehave({"calls": [{"effect": "delay", "ms": 1000, "next": 1}]})
    made: list[stripe.Customer] = []
    slow = threading.Thread(
        target=lambda: made.append(shop.v1.customers.create({"name": "A"}, shop.keyed("k")))
    )
    slow.start()
    wait_until(lambda: emulator.emulator.busy_keys)
    with pytest.raises(stripe.APIError) as refusal:
        shop.v1.customers.create({"name": "A"}, shop.keyed("k"))
    assert refusal.value.http_status == 409
    assert error_code(refusal.value) == "idempotency_key_in_use"
    slow.join()
    assert shop.v1.customers.create({"name": "A"}, shop.keyed("k")).id == made[0].id


def test_a_deletion_ignores_keys(shop):
    for _ in range(2):
        invoice = shop.draft(100)
        assert shop.v1.invoices.delete(invoice.id, {}, shop.keyed("k")).deleted


def test_a_key_has_at_most_255_characters(shop):
    assert shop.v1.customers.create({"name": "A"}, shop.keyed("k" * 255)).id
    with pytest.raises(stripe.InvalidRequestError, match="255"):
        shop.v1.customers.create({"name": "A"}, shop.keyed("k" * 256))

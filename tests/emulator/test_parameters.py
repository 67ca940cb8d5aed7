"""Parameters that are refused before anything is done."""

import pytest
import stripe

from stripe_emulator.errors import StripeError
from stripe_emulator.form import decode
from stripe_emulator.parameters import Parameters

REFUSED = [
    ("InvoiceCreateParams", "colour=red", "parameter_unknown", "colour"),
    (
        "InvoiceAddLinesParams",
        "lines[0][amount]=5&lines[0][colour]=x",
        "parameter_unknown",
        "lines[0][colour]",
    ),
    ("InvoiceListParams", "created[after]=5", "parameter_unknown", "created[after]"),
    ("InvoiceAddLinesParams", "", "parameter_missing", "lines"),
    ("WebhookEndpointCreateParams", "enabled_events[]=*", "parameter_missing", "url"),
    ("InvoiceCreateParams", "days_until_due=soon", "parameter_invalid_integer", "days_until_due"),
    ("InvoiceAddLinesParams", "lines[0][amount]=1.5", "parameter_invalid_integer", "lines[0][amount]"),
    ("InvoiceCreateParams", "customer=", "parameter_invalid_empty", "customer"),
    ("InvoiceCreateParams", "auto_advance=maybe", None, "auto_advance"),
    ("InvoiceCreateParams", "collection_method=begging", None, "collection_method"),
    ("RefundCreateParams", "reason=expired_uncaptured_charge", None, "reason"),
    ("WebhookEndpointCreateParams", "url=x&enabled_events[]=invoice.eaten", None, "enabled_events[0]"),
    ("InvoiceCreateParams", "customer[id]=cus_1", None, "customer"),
    ("InvoiceCreateParams", "custom_fields[name]=x", None, "custom_fields"),
    ("InvoiceCreateParams", "metadata=text", None, "metadata"),
]


@pytest.mark.parametrize(("type_name", "form", "code", "param"), REFUSED)
def test_what_the_sdk_does_not_list_is_refused_by_name(type_name, form, code, param):
    with pytest.raises(StripeError) as refusal:
        Parameters().check(type_name, decode(form))
    assert (refusal.value.code, refusal.value.param) == (code, param)


def test_values_come_out_in_their_types():
    form = "customer=cus_1&days_until_due=30&auto_advance=false&metadata[order]=7&expand[]=a&expand[]=b&description=30"
    assert Parameters().check("InvoiceCreateParams", decode(form)) == {
        "customer": "cus_1",
        "days_until_due": 30,
        "auto_advance": False,
        "metadata": {"order": "7"},
        "expand": ["a", "b"],
        "description": "30",
    }


def test_lists_keep_their_order_beyond_ten():
    form = "&".join(f"lines[{n}][amount]={n}" for n in range(12))
    lines = Parameters().check("InvoiceAddLinesParams", decode(form))["lines"]
    assert [line["amount"] for line in lines] == list(range(12))


def test_a_refusal_comes_over_the_wire_in_stripes_shape(shop):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        shop.customer(colour="red")
    error = refusal.value
    assert (error.http_status, error.code, error.param) == (400, "parameter_unknown", "colour")
    assert error.user_message == "Received unknown parameter: colour"


@pytest.mark.parametrize(
    "metadata",
    [{f"k{n}": "v" for n in range(51)}, {"k" * 41: "v"}, {"k": "v" * 501}],
    ids=["too many keys", "too long a key", "too long a value"],
)
def test_metadata_over_stripes_limits_is_refused(shop, metadata):
    with pytest.raises(stripe.InvalidRequestError):
        shop.customer(metadata=metadata)


def test_metadata_is_merged_and_an_empty_value_removes_a_key(shop):
    customer = shop.customer(metadata={"a": "1", "b": "2"})
    changed = shop.v1.customers.update(customer.id, {"metadata": {"b": "", "c": "3"}}, shop.options)
    assert changed.metadata.to_dict() == {"a": "1", "c": "3"}
    assert shop.v1.customers.update(customer.id, {"metadata": ""}, shop.options).metadata.to_dict() == {}

"""Reading only what receiving needs has the same outcome as reading the whole payload with the standard library."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stripe_bridge.adapters.event_reader import read_event, read_whole_event
from stripe_bridge.domain.errors.outcomes import PayloadMalformed
from stripe_bridge.domain.webhook_event import parse_event
from tests.builders import an_event_payload

NAMES = ["id", "object", "invoice", "charge", "latest_charge", "payment_intent", "customer", "amount"]
TYPES = [
    "invoice.paid",
    "invoice_payment.paid",
    "charge.refunded",
    "charge.dispute.created",
    "refund.updated",
    "payment_intent.succeeded",
    "checkout.session.completed",
    "credit_note.created",
    "account.updated",
    "account.application.deauthorized",
    "customer.created",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=10,
)


def outcome(read, payload):
    """What receiving reads, or why it refuses the payload."""
    try:
        event = read(payload)
    except PayloadMalformed as error:
        return str(error)
    ids = (
        event.related_object_id,
        event.invoice_id,
        event.charge_id,
        event.payment_intent_id,
        event.customer_id,
    )
    return event.id, event.type, event.account, event.livemode, event.created_at, event.api_version, ids


def whole(read, payload):
    """All that an event says, as text: of two that are no number, neither equals the other."""
    try:
        return repr(read(payload))
    except PayloadMalformed as error:
        return str(error)


def same(payload):
    assert outcome(read_event, payload) == outcome(parse_event, payload)
    assert whole(read_whole_event, payload) == whole(parse_event, payload)


@given(st.binary() | st.text().map(str.encode) | JSON.map(lambda value: json.dumps(value).encode()))
@example(b"")
@example(b'{"id": NaN}')
@example(b"[" * 100_000)
@example(b"\xff")
def test_what_is_no_event_is_refused_alike(payload):
    same(payload)


@given(
    st.dictionaries(
        st.sampled_from(["id", "object", "type", "livemode", "created", "data", "account", "api_version"]),
        JSON,
    )
)
def test_what_may_be_an_event_is_read_alike(members):
    same(json.dumps(json.loads(an_event_payload()) | members).encode())


@given(
    st.sampled_from(TYPES),
    st.dictionaries(st.sampled_from(NAMES), JSON | st.from_regex(r"\A[a-z]{2}_[0-9]+\Z")),
)
def test_of_every_kind_of_event_the_same_objects_are_found(event_type, object_):
    same(an_event_payload(event_type, object_))


@pytest.mark.parametrize("created", [10**30, -(10**30), 1.5, 1.0, 1e3, True, "1", None])
def test_a_time_is_one_to_both_or_to_neither(created):
    same(json.dumps(json.loads(an_event_payload()) | {"created": created}).encode())


@pytest.mark.parametrize(
    "member",
    ['"created": "x", "created": 1', '"id": "evt_first"', '"account": "\\ud800"', '"note": "\\ud800"'],
)
def test_what_libraries_could_differ_about_is_read_alike(member):
    whole = an_event_payload()
    same(b"{" + member.encode() + b"," + whole[1:])
    same(whole[:-1] + b"," + member.encode() + b"}")

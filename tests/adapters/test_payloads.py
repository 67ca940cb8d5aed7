"""Reading payloads quickly has the same outcome as reading them by the standard library."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stripe_bridge.adapters.payloads import read_event
from stripe_bridge.domain.errors import PayloadMalformed
from stripe_bridge.domain.webhook_event import parse_event
from tests.builders import an_event_payload

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def outcome(read, payload):
    try:
        return read(payload)
    except PayloadMalformed as error:
        return str(error)


@given(st.binary() | st.text().map(str.encode))
@example(b'{"id": NaN}')
@example(b"[" * 100_000)
@example(b"\xff")
def test_what_is_no_event_is_refused_alike(payload):
    assert outcome(read_event, payload) == outcome(parse_event, payload)


@given(st.dictionaries(st.sampled_from(["id", "livemode", "created", "data", "amount"]), JSON))
def test_what_may_be_an_event_is_read_alike(members):
    payload = json.dumps(json.loads(an_event_payload()) | members).encode()
    assert repr(outcome(read_event, payload)) == repr(outcome(parse_event, payload))


@pytest.mark.parametrize("text", ['"\\ud800"', "1e400", "-0.0", '"\\u0000"'])
def test_what_the_two_libraries_could_differ_about_is_read_as_the_standard_one_does(text):
    payload = an_event_payload(object_={"id": "in_1", "strange": "?"}).replace(b'"?"', text.encode())
    assert repr(outcome(read_event, payload)) == repr(outcome(parse_event, payload))


@pytest.mark.parametrize("created", [10**30, -(10**30), 1.5, True])
def test_a_time_that_is_none_is_refused_alike(created):
    payload = json.dumps(json.loads(an_event_payload()) | {"created": created}).encode()
    assert (
        outcome(read_event, payload) == outcome(parse_event, payload) == str(PayloadMalformed("not an event"))
    )

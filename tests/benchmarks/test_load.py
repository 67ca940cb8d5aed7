"""The load is what Stripe would send, and the measurements are what really happened."""

import json
import time
from collections import Counter
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.load.payloads import SECRET, Numbers, Template, compact, signature, write_requests
from benchmarks.load.wrk import CONNECTIONS, LoadFailed, check_stored, uncorrected

EVENT: dict[str, Any] = {
    "id": "evt_0123456789abcdef01234567",
    "object": "event",
    "type": "invoice.paid",
    "data": {
        "object": {
            "id": "in_0123456789abcdef01234567",
            "lines": {"data": [{"invoice": "in_0123456789abcdef01234567"}]},
        }
    },
}


def test_every_webhook_is_another_event_about_another_invoice_and_as_long():
    template = Template.of(EVENT)
    payloads = [template.payload(number) for number in Numbers().take(1_000)]
    events = [json.loads(payload) for payload in payloads]
    assert (
        len({event["id"] for event in events})
        == len({event["data"]["object"]["id"] for event in events})
        == 1_000
    )
    assert {len(payload) for payload in payloads} == {len(compact(EVENT))}


def test_an_invoice_has_its_own_id_wherever_it_is_named():
    invoice = json.loads(Template.of(EVENT).payload(7))["data"]["object"]
    assert invoice["lines"]["data"][0]["invoice"] == invoice["id"] != EVENT["data"]["object"]["id"]


def test_a_signature_is_good():
    payload = compact(EVENT)
    assert stripe.WebhookSignature.verify_header(
        payload.decode(), signature(payload, int(time.time())), SECRET, tolerance=300
    )


def test_requests_are_dealt_to_the_threads_each_behind_its_length(tmp_path):
    files = [tmp_path / "requests.0", tmp_path / "requests.1"]
    write_requests(files, "http://127.0.0.1:1/hooks", iter([b"first", b"second", b"third"]))
    bodies = [[request.partition(b"\r\n\r\n")[2] for request in requests_in(file)] for file in files]
    assert bodies == [[b"first", b"third"], [b"second"]]


def requests_in(file):
    rest = file.read_bytes()
    while rest:
        length = int(rest[:8])
        yield rest[8 : 8 + length]
        rest = rest[8 + length :]


@given(st.lists(st.integers(1, 3_000), min_size=CONNECTIONS, max_size=300), st.integers(20, 2_000))
def test_latencies_that_wrk_made_up_are_taken_off_again(latencies, milliseconds):
    measured, microseconds = Counter(latencies), milliseconds * 10
    shown = corrected(measured, microseconds // (len(latencies) // CONNECTIONS))
    assert {
        value: count for value, count in uncorrected(shown, microseconds, len(latencies)).items() if count
    } == dict(measured)


def corrected(measured, usual):
    """Add latencies as wrk does."""
    shown = Counter(measured)
    for value in range(2 * usual, max(measured) + 1):
        count, added = shown[value], value - usual
        while count and added > usual:
            shown[added] += count
            added -= usual
    return {value: count for value, count in shown.items() if count}


def test_latencies_that_do_not_add_up_count_for_nothing():
    with pytest.raises(LoadFailed):
        uncorrected({5: 100}, microseconds=1_000_000, requests=10_000)


@pytest.mark.parametrize("stored", [99, 101 + CONNECTIONS])
def test_what_was_acknowledged_has_to_be_stored_and_nothing_else(stored):
    check_stored(100, 100)
    check_stored(100, 100 + CONNECTIONS)
    with pytest.raises(LoadFailed):
        check_stored(100, stored)

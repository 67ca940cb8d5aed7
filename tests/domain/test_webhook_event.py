"""What Stripe tells us, and how often we try to apply it."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stripe_bridge.domain.errors.outcomes import PayloadMalformed
from stripe_bridge.domain.webhook_event import MAX_ATTEMPTS, EventStatus, SkipReason, parse_event
from tests.builders import ACCOUNT, NOW, a_webhook_event, an_event_payload

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
MEMBERS = ["id", "object", "type", "created", "livemode", "data", "account"]


def test_an_event_is_read_from_its_payload():
    event = parse_event(an_event_payload("invoice.paid", {"id": "in_7"}, id_="evt_7", livemode=True))
    assert (event.id, event.type, event.account, event.livemode) == ("evt_7", "invoice.paid", ACCOUNT, True)
    assert event.created_at == NOW.replace(microsecond=0)
    assert event.object == {"id": "in_7"}


@pytest.mark.parametrize("account", [None, ""])
def test_an_event_of_the_platform_itself_has_no_account(account):
    body = json.loads(an_event_payload(account=None)) | {"account": account}
    assert parse_event(json.dumps(body).encode()).account is None


@given(st.binary())
@example(b"")
@example(b"\xff")
@example(b"[]")
@example(b"null")
@example(b"NaN")
@example(b"[" * 100_000)
@example(b'{"id": "evt_1"}')
def test_bytes_that_are_no_event_are_refused_and_nothing_else_happens(payload):
    with pytest.raises(PayloadMalformed):
        parse_event(payload)


@given(st.sampled_from(MEMBERS), JSON)
def test_whatever_one_member_holds_it_is_an_event_or_refused(member, value):
    body = json.loads(an_event_payload())
    try:
        event = parse_event(json.dumps(body | {member: value}).encode())
    except PayloadMalformed:
        return
    assert isinstance(event.related_object_id, str | None)


@given(st.dictionaries(st.sampled_from([*MEMBERS, "id", "invoice", "charge", "payment_intent"]), JSON))
def test_whatever_the_object_holds_the_event_is_read(object_):
    for event_type in ("invoice.paid", "refund.created", "checkout.session.completed", "x.y", ""):
        event = parse_event(an_event_payload(event_type, {**object_, "some": "thing"}))
        assert event.related_object_id is None or event.related_object_id


@pytest.mark.parametrize("created", [True, 1.5, "1", None, 10**30, -(10**30), 2**62])
def test_a_time_that_is_none_is_refused(created):
    body = json.loads(an_event_payload()) | {"created": created}
    with pytest.raises(PayloadMalformed):
        parse_event(json.dumps(body).encode())


@pytest.mark.parametrize("member", ["id", "type", "account"])
@pytest.mark.parametrize("name", ["evt_\0", "evt_\ud800", "evt_\n"])
def test_an_event_with_a_name_that_no_database_keeps_is_refused(member, name):
    body = json.loads(an_event_payload()) | {member: name}
    with pytest.raises(PayloadMalformed):
        parse_event(json.dumps(body).encode())


def test_a_thin_event_is_refused():
    body = json.loads(an_event_payload()) | {"object": "v2.core.event"}
    with pytest.raises(PayloadMalformed):
        parse_event(json.dumps(body).encode())


@pytest.mark.parametrize(
    ("event_type", "object_", "related"),
    [
        ("invoice.paid", {"id": "in_1", "charge": "ch_1"}, "in_1"),
        ("invoice.upcoming", {"customer": "cus_1"}, None),
        ("invoice_payment.paid", {"id": "inpay_1", "invoice": "in_1"}, "in_1"),
        ("credit_note.created", {"id": "cn_1", "invoice": {"id": "in_1"}}, "in_1"),
        ("charge.succeeded", {"id": "ch_1", "payment_intent": "pi_1"}, "ch_1"),
        ("charge.refunded", {"id": "ch_1"}, "ch_1"),
        ("charge.dispute.created", {"id": "dp_1", "charge": "ch_1", "payment_intent": "pi_1"}, "ch_1"),
        ("charge.dispute.closed", {"id": "dp_1", "charge": None, "payment_intent": "pi_1"}, "pi_1"),
        ("charge.refund.updated", {"id": "re_1", "charge": "ch_1"}, "ch_1"),
        ("refund.created", {"id": "re_1", "charge": {"id": "ch_1"}}, "ch_1"),
        ("refund.failed", {"id": "re_1", "payment_intent": "pi_1"}, "pi_1"),
        ("payment_intent.processing", {"id": "pi_1"}, "pi_1"),
        ("checkout.session.completed", {"id": "cs_1", "invoice": "in_1", "payment_intent": "pi_1"}, "in_1"),
        ("checkout.session.completed", {"id": "cs_1", "invoice": None, "payment_intent": "pi_1"}, "pi_1"),
        ("account.updated", {"id": "acct_9"}, "acct_9"),
        ("account.application.deauthorized", {"id": "ca_1"}, ACCOUNT),
        ("account.external_account.created", {"id": "ba_1"}, ACCOUNT),
        ("invoice.paid", {"id": "in_\0"}, None),
        ("customer.created", {"id": "cus_1"}, "cus_1"),
    ],
)
def test_an_event_is_about_the_object_that_leads_to_an_invoice(event_type, object_, related):
    assert parse_event(an_event_payload(event_type, object_)).related_object_id == related


def test_an_event_waits_for_its_next_attempt_only_while_it_is_received():
    received = a_webhook_event(due_at=NOW + timedelta(seconds=9))
    assert received.next_attempt_at == NOW + timedelta(seconds=9)
    for status in set(EventStatus) - {EventStatus.RECEIVED}:
        assert a_webhook_event(status=status).next_attempt_at is None


@given(st.integers(min_value=1, max_value=MAX_ATTEMPTS - 1), st.floats(min_value=0, max_value=1))
def test_a_failed_attempt_is_followed_by_another_between_a_second_and_an_hour_later(attempts, jitter):
    event = a_webhook_event(status=EventStatus.PROCESSING, attempts=attempts)
    waiting = event.retry_or_fail("boom", NOW, jitter=jitter)
    assert (waiting.status, waiting.last_error) == (EventStatus.RECEIVED, "boom")
    assert timedelta(seconds=1) <= waiting.due_at - NOW <= timedelta(hours=1)


def test_the_last_failed_attempt_is_the_end():
    event = a_webhook_event(status=EventStatus.PROCESSING, attempts=MAX_ATTEMPTS)
    failed = event.retry_or_fail("boom", NOW, jitter=0)
    assert (failed.status, failed.last_error, failed.next_attempt_at) == (EventStatus.FAILED, "boom", None)


def test_attempts_go_on_for_hours_so_that_an_outage_is_outlasted():
    waited = timedelta()
    for attempts in range(1, MAX_ATTEMPTS):
        waited += a_webhook_event(attempts=attempts).retry_or_fail("x", NOW, jitter=0).due_at - NOW
    assert waited > timedelta(hours=1)


def test_the_outcome_of_an_event_replaces_its_last_error():
    struggling = a_webhook_event(last_error="boom", skip_reason=SkipReason.UNKNOWN_TYPE)
    processed = struggling.processed(NOW)
    assert (processed.status, processed.last_error, processed.skip_reason, processed.processed_at) == (
        EventStatus.PROCESSED,
        None,
        None,
        NOW,
    )
    skipped = struggling.skipped(SkipReason.FOREIGN_OBJECT, NOW)
    assert (skipped.status, skipped.last_error, skipped.skip_reason) == (
        EventStatus.SKIPPED,
        None,
        SkipReason.FOREIGN_OBJECT,
    )


def test_a_stored_payload_can_be_read_again_when_it_was_loaded():
    assert a_webhook_event().parse(parse_event).id == "evt_1"
    with pytest.raises(PayloadMalformed):
        replace(a_webhook_event(), payload=None).parse(parse_event)

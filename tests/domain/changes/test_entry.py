"""Entries: numbered, chained, and verifiable by anybody who may read them."""

import hashlib
import json
from dataclasses import replace

import rfc8785

from stripe_bridge.domain.changes.change import Change, ChangeType, SubjectType
from stripe_bridge.domain.changes.entry import (
    GENESIS,
    Head,
    InvoicePlace,
    Surroundings,
    number,
    order_figures,
    prepare,
)
from stripe_bridge.domain.changes.recorder import Recorder
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.origin import SERVICE, Actor, ActorType, Origin
from tests.builders import NOW, TENANT, a_dispute, an_invoice

INVOICE = an_invoice(id=7, status=InvoiceStatus.OPEN)
AROUND = Surroundings(
    invoices={7: InvoicePlace(tenant_id=TENANT, sales_order_id=INVOICE.sales_order_id, integration_id=1)},
    livemodes={1: True},
    orders={(TENANT, INVOICE.sales_order_id): order_figures(12_000, 500, 1_000)},
)
HEAD = Head(tenant_id=TENANT, log="log_1")


def some_changes() -> list[Change]:
    recorder = Recorder(
        Origin(actor=Actor(type=ActorType.TOKEN, id="token:3", user_id=9), cause={"request_id": "r"})
    )
    recorder.added(INVOICE)
    recorder.saved(replace(INVOICE, status=InvoiceStatus.PAID, metadata={"ключ": "Ω"}))
    recorder.added(a_dispute(invoice_id=7))
    return recorder.changes


def some_entries():
    ids = ((f"chg_{at}", f"salt {at}") for at in range(10))
    return number(HEAD, prepare(some_changes(), AROUND, ids), NOW)


def test_anybody_can_recompute_digests_and_hashes_from_what_is_shown():
    entries, head = some_entries()
    previous = GENESIS
    for sequence, entry in enumerate(entries, start=1):
        shown = json.loads(json.dumps(entry.shown()))
        content = {name: shown.pop(name) for name in ("object", "sales_order")}
        salt, hash_ = shown.pop("object_salt"), shown.pop("hash")
        digest = hashlib.sha256(salt.encode() + b"\n" + rfc8785.dumps(content)).hexdigest()
        assert shown["object_digest"] == digest
        assert hash_ == hashlib.sha256(previous.encode() + b"\n" + rfc8785.dumps(shown)).hexdigest()
        assert shown["sequence"] == sequence
        previous = hash_
    assert (head.sequence, head.hash) == (len(entries), previous)


def test_an_entry_says_what_who_why_and_what_is_owed():
    entries, _ = some_entries()
    shown = entries[1].shown()
    assert shown["type"] == "invoice.paid"
    assert shown["subject"] == {"type": "invoice", "id": 7}
    assert shown["actor"] == {"type": "token", "id": "token:3", "user_id": 9}
    assert shown["cause"] == {"request_id": "r"}
    assert shown["livemode"] is True
    assert shown["sales_order"] == {
        "outstanding_in_cents": 10_500,
        "settled_in_cents": 1_000,
        "overpaid_in_cents": 0,
    }
    assert shown["object"]["hosted_invoice_url"] is None


def test_what_belongs_to_an_invoice_belongs_to_its_tenant_order_and_integration():
    entries, _ = some_entries()
    dispute = entries[2]
    assert (dispute.tenant_id, dispute.sales_order_id, dispute.integration_id) == (
        TENANT,
        INVOICE.sales_order_id,
        1,
    )
    assert dispute.shown()["sales_order"] is not None


def test_no_personal_data_stands_in_what_is_kept_for_ever():
    for entry in some_entries()[0]:
        assert INVOICE.customer_email.encode() not in entry.signed
        assert "Ω".encode() not in entry.signed


def test_an_act_shows_others_only_that_there_is_one():
    act = Change(
        type=ChangeType.KEYS_ROTATED,
        subject_type=SubjectType.KEY,
        subject_id=None,
        origin=SERVICE,
        object={"secret": "plan"},
        tenant_id=TENANT,
    )
    (entry,), _ = number(HEAD, prepare([act], AROUND, [("chg_1", "salt")]), NOW)
    assert set(entry.shown_to_others()) == {"sequence", "id", "type", "occurred_at", "hash"}
    assert entry.shown_to_others()["type"] == "act"
    assert entry.shown()["object"] == {"secret": "plan"}


def test_taking_object_and_salt_out_leaves_the_chain_whole():
    entries, head = some_entries()
    purged = replace(entries[0], content=None, salt=None)
    assert purged.shown()["object"] is None
    assert purged.hash == entries[0].hash
    assert head.hash == entries[-1].hash

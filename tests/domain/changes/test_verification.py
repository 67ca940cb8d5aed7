"""No byte of what is stored of a log can change without the chain saying where."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from stripe_bridge.domain.changes.entry import Head
from stripe_bridge.domain.changes.purging import Purge
from stripe_bridge.domain.changes.verification import (
    FaultKind,
    Position,
    StoredEntry,
    end_fault,
    follow,
    gone_fault,
)
from stripe_bridge.domain.invoice import InvoiceStatus
from tests.builders import TENANT, a_refund
from tests.contracts.stored import stored_invoice
from tests.fakes.storage.unit_of_work import FakeStore


@pytest.fixture(scope="module")
def log() -> list[StoredEntry]:
    store = FakeStore()
    invoice = stored_invoice(store, status=InvoiceStatus.PAID)
    with store.writing() as work:
        work.refunds.add(a_refund(invoice_id=invoice.id))
        work.commit()
    with store.reading() as work:
        return list(work.audit.entries(TENANT, 0, 100))


def with_another_byte(value: object) -> Iterator[Any]:
    """The value with each of its bytes changed in turn; an integer as its digits."""
    if isinstance(value, bytes):
        for place in range(len(value)):
            yield value[:place] + bytes([value[place] ^ 1]) + value[place + 1 :]
    elif isinstance(value, str):
        for place, char in enumerate(value):
            yield value[:place] + chr(ord(char) ^ 1) + value[place + 1 :]
    elif isinstance(value, int):
        for place in range(value.bit_length() + 2):
            yield value ^ (1 << place)


def test_every_byte_of_every_column_of_every_entry_is_covered(log: list[StoredEntry]):
    """All of them, one at a time. The database's test has a sample of what this leaves out: how they are stored."""
    assert follow(Position(), log)[1] is None
    tried = 0
    for place, entry in enumerate(log):
        for column in StoredEntry._fields:
            for value in with_another_byte(getattr(entry, column)):
                changed = [*log[:place], entry._replace(**{column: value}), *log[place + 1 :]]
                position, fault = follow(Position(), changed)
                assert fault is not None, (entry.sequence, column, value)
                assert (position.sequence, fault.sequence) == (place, entry.sequence)
                tried += 1
    assert tried > 5000


def test_a_chain_that_was_made_to_fit_still_has_to_count_from_one(log: list[StoredEntry]):
    first = log[0]._replace(sequence=2)
    fault = follow(Position(), [first])[1]
    assert fault is not None
    assert (fault.kind, fault.sequence) == (FaultKind.MISSING, 1)


def test_what_is_no_json_or_no_object_is_a_fault_and_no_error(log: list[StoredEntry]):
    for signed in (b"", b"{", b"[]", b"null", b"\xff", json.dumps({"subject": 1}).encode()):
        fault = follow(Position(), [log[0]._replace(signed=signed)])[1]
        assert fault is not None
        assert fault.sequence == 1


def test_an_object_may_be_gone_if_a_purge_covers_it_and_only_then(log: list[StoredEntry]):
    bare = log[2]._replace(content=None, salt=None)
    order = bare.sales_order_id or 0
    own, other = (Purge(count=1, first=1, last=3, order_ids=frozenset({id_})) for id_ in (order, order + 1))
    by_age, before = Purge(count=3, first=1, last=3), Purge(count=2, first=1, last=2)
    assert gone_fault([bare], [own]) is None
    assert gone_fault([bare], [by_age]) is None
    for purges in ([], [other], [before]):
        fault = gone_fault([bare], purges)
        assert fault is not None
        assert (fault.kind, fault.sequence) == (FaultKind.MODIFIED, 3)


def test_the_head_names_the_end_and_what_was_purged_by_age(log: list[StoredEntry]):
    position, _ = follow(Position(), log)
    head = Head(tenant_id=TENANT, log="log_1", sequence=position.sequence, hash=position.hash)
    by_age = Purge(count=1, first=1, last=1)
    assert end_fault(position, head, []) is None
    fault = end_fault(position, head, [by_age])
    assert fault is not None
    assert fault.kind is FaultKind.MODIFIED
    of_order = Purge(count=1, first=1, last=2, order_ids=frozenset({1}))
    assert end_fault(position, head, [of_order]) is None

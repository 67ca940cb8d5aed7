"""Whoever can write to the database can change the log, but not unnoticed: neither by us, nor by those who read it before."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.adapters.database.compression import compressed
from stripe_bridge.domain.changes.acts import keys_rotated
from stripe_bridge.domain.changes.canonical import canonical
from stripe_bridge.domain.changes.change import NO_TENANT
from stripe_bridge.domain.changes.entry import GENESIS, chain, digest
from stripe_bridge.domain.changes.verification import Fault, FaultKind, Position, StoredEntry
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.origin import SERVICE
from stripe_bridge.use_cases.changes.verify import VerifyChanges
from tests.builders import TENANT, a_dispute, a_refund, a_token
from tests.contracts.stored import stored_invoice

COLUMNS = ("tenant_id", *StoredEntry._fields)
TRIGGERS = {
    "sqlite": ["changes_are_final_update", "changes_are_final_delete"],
    "postgresql": ["changes_are_final ON changes", "changes_are_final_truncate ON changes"],
}


@dataclass(frozen=True)
class Attacker:
    """Has the whole database, and no more."""

    store: SqlStore

    def run(self, statement: str, **values: Any) -> None:
        with self.store.engine.begin() as connection:
            connection.execute(text(statement), values)

    def rows(self, tenant_id: str = TENANT) -> list[dict[str, Any]]:
        statement = "SELECT * FROM changes WHERE tenant_id = :tenant_id ORDER BY sequence"
        with self.store.engine.connect() as connection:
            found = connection.execute(text(statement), {"tenant_id": tenant_id})
            return [dict(row._mapping) for row in found]

    def put(self, row: dict[str, Any]) -> None:
        names = [name for name in COLUMNS if name in row]
        self.run(
            f"INSERT INTO changes ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})",
            **{name: row[name] for name in names},
        )

    def remove(self, row: dict[str, Any]) -> None:
        self.run(
            "DELETE FROM changes WHERE tenant_id = :tenant_id AND sequence = :sequence",
            tenant_id=row["tenant_id"],
            sequence=row["sequence"],
        )

    def replace_all(self, rows: list[dict[str, Any]]) -> None:
        self.run("DELETE FROM changes")
        for row in rows:
            self.put(row)


def verified(store: SqlStore, *given: Any) -> list[Fault]:
    return [fault for report in VerifyChanges(store)(*given) for fault in report.faults]


def read(store: SqlStore) -> list[StoredEntry]:
    with store.reading() as work:
        return [
            entry for tenant_id in work.audit.tenants() for entry in work.audit.entries(tenant_id, 0, 1000)
        ]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.servers)])
def store(request: pytest.FixtureRequest) -> Iterator[SqlStore]:
    """With a log of one of everything."""
    store = SqlStore(create_engine(request.getfixturevalue(f"{request.param}_url")))
    invoice = stored_invoice(store, status=InvoiceStatus.OPEN)
    with store.writing() as work:
        work.invoices.find(invoice.id)
        work.invoices.save(replace(invoice, status=InvoiceStatus.PAID, amount_paid=invoice.amount))
        work.refunds.add(a_refund(invoice_id=invoice.id))
        work.disputes.put(a_dispute(invoice_id=invoice.id, version=1))
        work.tokens.add(a_token())
        work.acts.add(keys_rotated({"access_tokens": 2}, SERVICE))
        work.commit()
    with store.engine.begin() as connection:
        for trigger in TRIGGERS[store.engine.dialect.name]:
            connection.exec_driver_sql(f"DROP TRIGGER {trigger}")
    assert verified(store) == []
    yield store
    store.close()


@pytest.fixture
def attacker(store: SqlStore) -> Attacker:
    return Attacker(store)


def altered(value: Any, at: int, by: int) -> Any:
    """With one byte changed, or one digit."""
    if isinstance(value, bytes):
        place = at % len(value)
        return value[:place] + bytes([value[place] ^ (1 + by % 255)]) + value[place + 1 :]
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1 + by)
    if isinstance(value, int):
        # Not to a number that is taken: the database itself refuses that.
        return value ^ (1 << (5 + by % 50))
    if value is None:
        return 1 + by
    if not value:
        return "x"
    place = at % len(value)
    other = chr(ord("!") + (ord(value[place]) - ord("!") + 1 + by % 92) % 93)
    return value[:place] + other + value[place + 1 :]


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    number=st.integers(0, 99),
    column=st.sampled_from(COLUMNS),
    at=st.integers(0, 3000),
    by=st.integers(0, 254),
)
def test_no_byte_of_an_entry_changes_unnoticed(
    attacker: Attacker, number: int, column: str, at: int, by: int
):
    rows = attacker.rows() + attacker.rows(NO_TENANT)
    row = rows[number % len(rows)]
    value = altered(row[column], at, by)
    before = read(attacker.store)
    attacker.remove(row)
    attacker.put({**row, column: value})
    try:
        # What is stored may begin with another byte and still be the same to whoever reads it.
        assert verified(attacker.store) or read(attacker.store) == before
    finally:
        attacker.remove({**row, column: value})
        attacker.put(row)


def test_no_value_is_exchanged_for_that_of_another_entry_unnoticed(attacker: Attacker):
    rows = attacker.rows()
    for row, other in zip(rows, [*rows[1:], rows[0]], strict=True):
        for column in ("id", *StoredEntry._fields[2:]):
            if other[column] != row[column]:
                assert_noticed(attacker, row, {**row, column: other[column]})


@pytest.mark.parametrize("column", ["content", "salt", "sales_order_id", "integration_id"])
def test_no_value_is_taken_away_unnoticed(attacker: Attacker, column: str):
    for row in attacker.rows():
        if row[column] is not None:
            assert_noticed(attacker, row, {**row, column: None})


def assert_noticed(attacker: Attacker, row: dict[str, Any], changed: dict[str, Any]) -> None:
    attacker.remove(row)
    attacker.put(changed)
    assert [fault.sequence for fault in verified(attacker.store)] == [row["sequence"]]
    attacker.remove(row)
    attacker.put(row)


@pytest.mark.parametrize("column", StoredEntry._fields)
def test_a_value_of_another_type_is_a_fault_like_any_other(attacker: Attacker, column: str):
    """Which only SQLite stores."""
    if attacker.store.engine.dialect.name != "sqlite":
        return
    for other in (7.5, "x", b"\xff"):
        attacker.run(f"UPDATE changes SET {column} = :other WHERE sequence = 2", other=other)
        assert verified(attacker.store, TENANT)
        if column == "sequence":
            return


def test_an_object_that_is_gone_without_a_purge_is_noticed(attacker: Attacker):
    attacker.run("UPDATE changes SET content = NULL, salt = NULL WHERE sequence = 2")
    assert [(fault.kind, fault.sequence) for fault in verified(attacker.store)] == [(FaultKind.MODIFIED, 2)]


def test_no_entry_is_deleted_unnoticed(attacker: Attacker):
    rows = attacker.rows()
    for row in rows:
        attacker.remove(row)
        (fault,) = verified(attacker.store)
        is_last = row is rows[-1]
        assert fault.kind is (FaultKind.TRUNCATED if is_last else FaultKind.MISSING)
        assert fault.sequence == row["sequence"]
        attacker.put(row)


def test_no_two_entries_change_places_unnoticed(attacker: Attacker):
    rows = attacker.rows()
    for first in range(len(rows)):
        for second in range(first + 1, len(rows)):
            one, other = rows[first], rows[second]
            for row in (one, other):
                attacker.remove(row)
            attacker.put({**one, "sequence": other["sequence"]})
            attacker.put({**other, "sequence": one["sequence"]})
            (fault,) = verified(attacker.store)
            assert (fault.kind, fault.sequence) == (FaultKind.REORDERED, one["sequence"])
            attacker.replace_all(rows + attacker.rows(NO_TENANT))


def test_no_end_is_cut_off_unnoticed_and_a_reader_notices_even_if_the_head_fits(attacker: Attacker):
    rows, service = attacker.rows(), attacker.rows(NO_TENANT)
    last = rows[-1]
    held = Position(last["sequence"], last["hash"])
    for length in range(len(rows)):
        attacker.replace_all(rows[:length] + service)
        (fault,) = verified(attacker.store, TENANT)
        assert (fault.kind, fault.sequence) == (FaultKind.TRUNCATED, length + 1)
        end = rows[length - 1]["hash"] if length else GENESIS
        move_head(attacker, length, end)
        (fault,) = verified(attacker.store, TENANT, held)
        assert (fault.kind, fault.sequence) == (FaultKind.TRUNCATED, length + 1)
        move_head(attacker, last["sequence"], last["hash"])


def move_head(attacker: Attacker, sequence: int, hash_: str) -> None:
    attacker.run(
        "UPDATE change_heads SET sequence = :sequence, hash = :hash WHERE tenant_id = :tenant_id",
        sequence=sequence,
        hash=hash_,
        tenant_id=TENANT,
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE change_heads SET sequence = sequence + 1",
        "UPDATE change_heads SET sequence = sequence - 1",
        "UPDATE change_heads SET hash = '0' || substr(hash, 2, 62) || 'x'",
        "UPDATE change_heads SET oldest = oldest + 1",
        "UPDATE change_heads SET oldest = oldest - 1",
        "UPDATE change_heads SET tenant_id = 'x' || tenant_id",
        "DELETE FROM change_heads",
        "DELETE FROM changes",
    ],
)
def test_no_head_changes_unnoticed(attacker: Attacker, statement: str):
    """But for `log`, which every reader holds, and for what the head says of the recording of old data."""
    attacker.run(statement)
    assert {fault.kind for fault in verified(attacker.store)} <= {FaultKind.MODIFIED, FaultKind.TRUNCATED}
    assert verified(attacker.store)


def rewrite(attacker: Attacker, changed: int, **members: Any) -> None:
    """Change what an entry says, and make the whole rest of the log fit: all that anybody can do."""
    previous, rows = GENESIS, attacker.rows()
    with attacker.store.reading() as work:
        entries = work.audit.entries(TENANT, 0, 1000)
    for row, entry in zip(rows, entries, strict=True):
        signed = json.loads(entry.signed)
        if row["sequence"] == changed:
            signed |= members
        row["signed"] = compressed(canonical(signed))
        row["hash"] = previous = chain(previous, canonical(signed))
    attacker.replace_all(rows + attacker.rows(NO_TENANT))
    move_head(attacker, len(rows), previous)


def test_who_rewrites_the_whole_rest_and_the_head_escapes_us_but_no_reader(attacker: Attacker):
    before = attacker.rows()
    rewrite(attacker, 3, actor={"type": "operator", "id": "mallory", "user_id": None})

    assert verified(attacker.store) == []
    for row in before:
        found = verified(attacker.store, TENANT, Position(row["sequence"], row["hash"]))
        if row["sequence"] < 3:
            # What such a reader holds is from before.
            assert found == []
        else:
            assert [(fault.kind, fault.sequence) for fault in found] == [
                (FaultKind.MODIFIED, row["sequence"])
            ]


def test_a_rewritten_object_has_to_be_changed_in_the_database_too(attacker: Attacker):
    """So that a payment that never was stands in neither or in both."""
    with attacker.store.reading() as work:
        last = next(
            each for each in reversed(work.audit.entries(TENANT, 0, 99)) if each.type == "invoice.paid"
        )
    content = json.loads(last.content or b"")
    content["object"]["amount_paid"] += 1
    attacker.run(
        "UPDATE changes SET content = :content WHERE sequence = :sequence AND tenant_id = :tenant_id",
        content=compressed(canonical(content)),
        sequence=last.sequence,
        tenant_id=TENANT,
    )
    rewrite(attacker, last.sequence, object_digest=digest(last.salt or "", canonical(content)))
    (fault,) = verified(attacker.store)
    assert (fault.kind, fault.sequence) == (FaultKind.MODIFIED, last.sequence)
    assert "amount_paid" in fault.what


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("UPDATE invoices SET amount_paid = amount_paid - 1", FaultKind.MODIFIED),
        ("UPDATE invoices SET status = 'open'", FaultKind.MODIFIED),
        ("UPDATE refunds SET amount = amount + 1", FaultKind.MODIFIED),
        ("DELETE FROM refunds", FaultKind.MODIFIED),
        ("UPDATE disputes SET status = 'won'", FaultKind.MODIFIED),
        ("UPDATE integrations SET name = 'Other'", FaultKind.MODIFIED),
        ("UPDATE sales_orders SET total = total + 1", FaultKind.MODIFIED),
        ("UPDATE api_tokens SET role = 'viewer'", FaultKind.MODIFIED),
        ("DELETE FROM api_tokens", FaultKind.MODIFIED),
    ],
)
def test_no_object_changes_past_the_log_unnoticed(attacker: Attacker, statement: str, kind: FaultKind):
    attacker.run(statement)
    assert [fault.kind for fault in verified(attacker.store)] == [kind]


def test_what_the_log_does_not_have_yet_is_named_and_no_fault(attacker: Attacker):
    """As a release without a change log leaves it."""
    attacker.run("UPDATE invoices SET amount_paid = 1, version = version + 1")
    report = next(each for each in VerifyChanges(attacker.store)() if each.tenant_id == TENANT)
    assert report.faults == []
    assert dict(report.unrecorded) == {"invoice": 1}

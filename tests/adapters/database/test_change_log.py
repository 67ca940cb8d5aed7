"""The change log in a database: what an earlier release has written, and what nobody may change."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.domain.changes.entry import GENESIS, chain
from stripe_bridge.domain.invoice import InvoiceStatus
from tests.contracts.storage.test_changes import assert_whole, entries
from tests.contracts.stored import stored_integration, stored_invoice


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.servers)])
def store(request: pytest.FixtureRequest) -> Iterator[SqlStore]:
    store = SqlStore(create_engine(request.getfixturevalue(f"{request.param}_url")))
    yield store
    store.close()


@pytest.mark.parametrize(
    ("logged", "expected"), [("NULL", "invoice.created"), ("logged_version - 1", "invoice.updated")]
)
def test_what_an_earlier_release_has_written_is_recorded_with_the_first_save(store, logged, expected):
    invoice = stored_invoice(store, status=InvoiceStatus.OPEN)
    recorded = len(entries(store))
    with store.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE invoices SET logged_version = {logged}")
    with store.writing() as work:
        work.invoices.find(invoice.id)
        work.invoices.save(replace(invoice, status=InvoiceStatus.PAID))
        work.commit()
    caught_up, paid = (entry.shown() for entry in entries(store)[recorded:])
    assert (caught_up["type"], caught_up["cause"]) == (expected, {"job": "migration"})
    assert caught_up["object"]["status"] == "open"
    assert paid["type"] == "invoice.paid"
    assert_whole(store)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM changes",
        "UPDATE changes SET hash = 'x'",
        "UPDATE changes SET signed = content",
        "UPDATE changes SET sequence = sequence + 1",
        "UPDATE changes SET content = signed",
        "UPDATE changes SET salt = 'other'",
        "UPDATE changes SET content = NULL",
    ],
)
def test_the_database_refuses_to_change_an_entry(store: SqlStore, statement: str):
    stored_integration(store)
    with (
        pytest.raises(sqlalchemy.exc.DBAPIError, match="never changed"),
        store.engine.begin() as connection,
    ):
        connection.exec_driver_sql(statement)
    assert_whole(store)


def test_an_object_may_be_purged_with_its_salt(store: SqlStore):
    stored_integration(store)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE changes SET content = NULL, salt = NULL")
    (entry,) = entries(store)
    assert entry.shown()["object"] is None
    assert chain(GENESIS, entry.signed) == entry.hash

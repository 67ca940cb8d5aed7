"""Lists of 100,000 rows, which grow while they are read."""

import threading
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Column, ColumnElement, String, Table, cast, insert, literal, select, text

from stripe_bridge.adapters.database import create_engine
from stripe_bridge.adapters.database.tables.accounts import IntegrationRow
from stripe_bridge.adapters.database.tables.inbox import WebhookEventRow
from stripe_bridge.adapters.database.tables.invoicing import InvoiceRow
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.ports.storage.invoicing import InvoiceFilter
from stripe_bridge.use_cases.integrations.manage import IntegrationView
from stripe_bridge.use_cases.invoices.views import InvoiceView
from tests.conformance.conftest import erp_of
from tests.waiting import wait_until

MANY = 100_000
PER_PAGE = 100
# A copied invoice is not at Stripe, so that nothing is to be asked about it there.
OF_A_COPY = {
    "stripe_invoice_id": None,
    "stripe_payment_intent_id": None,
    "stripe_charge_id": None,
    "confirm_due_at": None,
}
pytestmark = pytest.mark.slow


def multiply(engine, row, id_, times, **different):
    """Insert this many copies of a row. `different` has the columns that must differ: a prefix for the copy's number."""
    table: Table = row.__table__
    first = select(literal(1).label("n")).cte(recursive=True)
    numbers = first.union_all(select(first.c.n + 1).where(first.c.n < times))
    columns = [column for column in table.columns if column.name != "id"]

    def value(column: Column[Any]) -> ColumnElement[Any]:
        if column.name not in different:
            return column
        given = different[column.name]
        return literal(None, column.type) if given is None else literal(given) + cast(numbers.c.n, String)

    copies = select(*map(value, columns)).select_from(table.join(numbers, table.c.id == id_))
    with engine.begin() as connection:
        connection.execute(insert(table).from_select([column.name for column in columns], copies))
        if times > 1:
            # What autovacuum would do a while after so many new rows.
            connection.execute(text(f"ANALYZE {table.name}"))


@contextmanager
def growing(add):
    """Meanwhile call `add` with 1, 2, 3 … about twenty times a second."""
    stop = threading.Event()
    added: list[int] = []

    def grow():
        while not stop.wait(0.05):
            add(len(added) + 1)
            added.append(len(added) + 1)

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        yield added
    finally:
        stop.set()
        thread.join()


class Reader:
    """Reads a list: page by page over HTTP, or all of it through the bridge."""

    def __init__(self, erp, path, list_page):
        self._erp, self._path, self._list_page = erp, path, list_page

    def page(self, **query):
        answer = self._erp.ask("GET", self._path, params={"per_page": PER_PAGE, **query})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def walk(self):
        """The ids on all pages, followed by cursor, in order, and the cursor of the last page."""
        page, last = self._list_page(PageRequest(per_page=PER_PAGE)), None
        ids = [id_of(item) for item in page.items]
        while page.next_cursor is not None:
            last = page.next_cursor
            page = self._list_page(PageRequest.of(page=None, per_page=PER_PAGE, cursor=last))
            ids += [id_of(item) for item in page.items]
        return ids, last


def id_of(item):
    if isinstance(item, InvoiceView):
        return item.invoice.id
    return item.integration.id if isinstance(item, IntegrationView) else item.id


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.servers)])
def stack(request, run_stack):
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    # Copied rows are in no log and settle nothing: a worker that looked for work each second would read them all each time.
    with run_stack(database_url=url, settings={"SWEEP_SECONDS": "3600"}) as started:
        yield started


@pytest.fixture
def engine(stack):
    made = create_engine(stack.database_url)
    yield made
    made.dispose()


@pytest.fixture
def shop(stack):
    """An ERP with a paid invoice."""
    with erp_of(stack) as erp:
        integration = erp.connect()
        erp.new_order()
        invoice = erp.paid(integration)
        yield erp, integration, invoice


def test_no_row_is_missed_and_none_comes_twice_while_the_list_grows(stack, engine, shop):
    erp, integration, invoice = shop
    multiply(engine, InvoiceRow, invoice["id"], MANY - 1, **OF_A_COPY)
    reader = Reader(
        erp,
        f"/api/stripe/integrations/{integration['id']}/invoices",
        partial(stack.operator.invoices.list, erp.tenant, integration["id"], None),
    )
    first = reader.page()
    assert (first["total"], first["last_page"], first["from"], first["to"]) == (MANY, 1000, 1, PER_PAGE)
    last = reader.page(page=1000)
    assert (last["from"], last["to"], last["next_page_url"]) == (MANY - PER_PAGE + 1, MANY, None)
    newest = first["data"][0]["id"]
    with growing(lambda _: multiply(engine, InvoiceRow, invoice["id"], 1, **OF_A_COPY)) as added:
        ids, last_cursor = reader.walk()
        second_by_cursor, last_by_cursor = (
            reader.page(cursor=cursor) for cursor in (first["next_cursor"], last_cursor)
        )
    assert len(added) > 10
    assert ids == sorted(set(ids), reverse=True)
    assert [id_ for id_ in ids if id_ <= newest] == [*range(newest, newest - MANY + 1, -1), invoice["id"]]
    assert second_by_cursor["data"][0]["id"] == first["data"][-1]["id"] - 1
    assert [one["id"] for one in last_by_cursor["data"]] == ids[-len(last_by_cursor["data"]) :]
    assert "total" not in last_by_cursor
    assert last_by_cursor["next_cursor"] is None


def test_every_list_that_pages_does_so_while_it_grows(stack, engine, shop):
    erp, _, invoice = shop
    tenant, operator = erp.tenant, stack.operator
    event = erp.get("/api/stripe/webhook-events")[0]
    pending = erp.create_integration("Never connected")
    few = 1_000
    multiply(engine, IntegrationRow, pending["id"], few)
    multiply(engine, WebhookEventRow, event["id"], few, stripe_event_id="evt_copy_")
    multiply(engine, InvoiceRow, invoice["id"], few, **OF_A_COPY)
    lists = {
        "/api/stripe/integrations": (
            partial(operator.integrations.list, tenant),
            lambda _: multiply(engine, IntegrationRow, pending["id"], 1),
        ),
        "/api/stripe/webhook-events": (
            partial(operator.webhook_events.list, tenant, EventFilter()),
            lambda n: multiply(engine, WebhookEventRow, event["id"], 1, stripe_event_id=f"evt_late_{n}_"),
        ),
        "/api/stripe/invoices": (
            partial(operator.invoices.list_for_tenant, tenant, InvoiceFilter()),
            lambda _: multiply(engine, InvoiceRow, invoice["id"], 1, **OF_A_COPY),
        ),
    }
    for path, (list_page, add) in lists.items():
        reader = Reader(erp, path, list_page)
        first = reader.page()
        newest, total = first["data"][0]["id"], first["total"]
        assert total > few
        with growing(add) as added:
            wait_until(partial(len, added))
            ids, _ = reader.walk()
        assert ids == sorted(set(ids), reverse=True)
        assert len([id_ for id_ in ids if id_ <= newest]) == total

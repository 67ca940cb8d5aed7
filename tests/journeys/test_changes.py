"""The ERP learns of everything by the feed, though no webhook reaches it, and notices a database that it does not know."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from stripe_bridge.domain.access import Role
from tests.journeys.combinations import POSTGRES_MANY, SQLITE, on
from tests.journeys.people import Erp, Json, data_of
from tests.journeys.stack import Stack
from tests.waiting import PATIENCE

pytestmark = on(SQLITE, POSTGRES_MANY)
# What GET shows and the log does not: links are secrets, and times of ours are no change.
NOT_LOGGED = {"hosted_invoice_url", "hosted_invoice_url_expires_at", "invoice_pdf", "updated_at"}


def page(erp: Erp, **query: Any) -> Json:
    answer = erp.ask("GET", "/api/changes", params=query)
    assert answer.status_code == 200, answer.text
    shown: Json = answer.json()
    return shown


class Reader:
    """An ERP behind a firewall: it asks, and waits. It believes nothing that is not chained to what it has."""

    def __init__(self, erp: Erp) -> None:
        self.erp, self.entries = erp, list[Json]()
        self.after, self.hash = 0, "0" * 64
        self.log: str | None = None

    def read(self, **query: Any) -> None:
        held: Json = {} if self.log is None else {"log": self.log, "hash": self.hash}
        shown = page(self.erp, after=self.after, **held, **query)
        assert (shown["after"], shown["after_hash"]) == (self.after, self.hash)
        assert [each["sequence"] for each in shown["data"]] == list(
            range(self.after + 1, self.after + 1 + len(shown["data"]))
        )
        self.entries += shown["data"]
        self.log = shown["log"]
        if shown["data"]:
            self.after, self.hash = shown["next_after"], shown["data"][-1]["hash"]

    def read_until(self, type_: str) -> Json:
        for _ in range(int(PATIENCE)):
            found = [each for each in self.entries if each["type"] == type_]
            if found:
                return found[-1]
            self.read(wait=5)
        raise AssertionError(f"No {type_} in {[each['type'] for each in self.entries]}")


@pytest.fixture
def reader(erp: Erp) -> Reader:
    erp.token()
    return Reader(erp)


def test_a_payment_is_learned_of_by_waiting_and_what_is_folded_is_what_get_shows(
    stack: Stack, erp: Erp, reader: Reader
):
    integration = erp.connect()
    erp.new_order()
    invoice = erp.sent(integration)
    reader.read()
    assert "invoice.sent" in [each["type"] for each in reader.entries]
    with ThreadPoolExecutor(1) as pool:
        paid = pool.submit(reader.read_until, "invoice.paid")
        stack.control.pay(invoice["stripe_invoice_id"])
        change = paid.result(PATIENCE)
    assert change["actor"]["type"] == "stripe"
    assert change["sales_order"]["outstanding_in_cents"] == 0
    erp.applied(invoice, "invoice.paid", "charge.succeeded", "invoice_payment.paid")
    reader.read()
    folded = [each for each in reader.entries if each["type"].startswith("invoice.")][-1]["object"]
    shown = erp.invoice(invoice)
    assert {name: folded[name] for name in folded.keys() - NOT_LOGGED} == {
        name: shown[name] for name in folded.keys() - NOT_LOGGED
    }


def test_a_front_end_finds_its_own_write_under_the_number_that_it_was_told(erp: Erp):
    integration = erp.connect()
    stored = erp.put_order()
    sent = erp.send(integration)
    repeated = erp.send(integration)
    for answer, type_ in ((stored, "sales_order.created"), (sent, "invoice.sent")):
        number = int(answer.headers["X-Sequence"])
        (found,) = page(erp, after=number - 1, limit=1)["data"]
        assert (found["sequence"], found["type"]) == (number, type_)
    assert int(repeated.headers["X-Sequence"]) >= int(sent.headers["X-Sequence"])


def test_who_holds_something_else_holds_the_sends_until_an_operator_decides(stack: Stack, erp: Erp):
    integration = erp.connect()
    erp.new_order()
    shown = page(erp)
    answer = erp.ask("GET", "/api/changes", params={"after": 1, "hash": "f" * 64, "log": shown["log"]})
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["reason"] == "history-changed"
    assert (problem["log"], problem["restart_after"]) == (shown["log"], shown["latest"])
    assert erp.send(integration).status_code == 503
    stack.operator.changes.resume_sends(erp.tenant)
    data_of(erp.send(integration), 201)


def test_who_has_read_further_than_the_log_goes_is_told_so(erp: Erp):
    erp.connect()
    latest = page(erp)["latest"]
    answer = erp.ask("GET", "/api/changes", params={"after": latest + 1000})
    assert (answer.status_code, answer.json()["reason"]) == (409, "cursor-ahead")


def test_many_readers_wait_at_once_and_all_learn_of_the_same_change(stack: Stack, erp: Erp):
    """More than the service has threads."""
    erp.connect()
    latest = page(erp)["latest"]
    ready = threading.Barrier(31, timeout=PATIENCE)

    def wait(_number: int) -> list[Json]:
        ready.wait()
        own = Erp(stack, erp.http, erp.tenant, {Role.POWER_USER: erp.token()})
        shown = page(own, after=latest, wait=25, type="sales_order.*")
        data: list[Json] = shown["data"]
        return data

    with ThreadPoolExecutor(30) as pool:
        readers: Iterator[list[Json]] = pool.map(wait, range(30))
        ready.wait()
        erp.new_order()
        found = list(readers)
    assert all(each == found[0] for each in found)
    assert [each["type"] for each in found[0]] == ["sales_order.created"]


def test_what_another_process_records_is_heard_of_as_well(stack: Stack, erp: Erp):
    erp.token()
    reader = Reader(erp)
    erp.connect()
    reader.read()
    for number in range(1001, 1011):
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(reader.read, wait=25)
            erp.new_order(number)
            waiting.result(PATIENCE)
    reader.read()
    stored = [each["sales_order_id"] for each in reader.entries if each["type"] == "sales_order.created"]
    assert stored == list(range(1001, 1011))

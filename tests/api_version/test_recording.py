"""What code reads of Stripe's objects is noted, and what it never reads is missed."""

import copy
import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.api_version.plugin import note_refusals
from tests.api_version.readers import unreached
from tests.api_version.recording import Read, Record, Recorded

INVOICE = {
    "id": "in_1",
    "object": "invoice",
    "status": "open",
    "total": 100,
    "number": None,
    "payments": {"data": [{"id": "inpay_1", "payment": {"type": "charge"}}]},
}


class Service:
    """Code in a folder of its own, and what it read."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.record = folder, Record(service=str(folder))

    def runs(self, source: str, shown: Any = None, *, file: str = "reader.py", function: str = "read") -> Any:
        """Call a function of the source with an object."""
        path = self.writes(source, file)
        defined: dict[str, Any] = {}
        exec(compile(path.read_text(), str(path), "exec"), defined)
        return defined[function](self.shown(INVOICE) if shown is None else shown)

    def writes(self, source: str, file: str) -> Path:
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(source))
        return path

    def shown(self, members: dict[str, Any]) -> Recorded:
        return Recorded(self.record, (members["object"],), members)

    def values(self, *keys: str) -> set[str]:
        return self.record.reads[keys].values


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path / "service")


def test_each_member_that_is_read_is_noted_with_its_kind_and_the_place(service):
    service.runs(
        """
        def read(raw):
            raw["total"], raw.get("number"), raw.get("currency")
            match raw:
                case {"id": str(id_)}:
                    return id_
        """
    )

    assert service.record.reads == {
        ("invoice", "total"): Read({"integer"}, set(), {"reader.py:3 read"}),
        ("invoice", "number"): Read({"null"}, set(), {"reader.py:3 read"}),
        ("invoice", "id"): Read({"string"}, set(), {"reader.py:5 read"}),
    }


def test_what_is_inside_is_noted_by_its_path_as_read_by_the_function_around(service):
    service.runs(
        """
        class Reader:
            def read(self, raw):
                return [each["payment"]["type"] for each in raw["payments"]["data"]]
        read = lambda raw: Reader().read(raw)
        """
    )

    inside = ("invoice", "payments", "data")
    assert service.record.reads[*inside].kinds == {"list"}
    assert service.record.reads[*inside, "[]"].kinds == {"object"}
    assert service.record.reads[*inside, "[]", "payment", "type"].places == {"reader.py:4 Reader.read"}
    assert ("reader.py", "Reader.read") in service.record.functions


def test_what_an_event_is_about_is_an_object_of_its_own(service):
    event = service.shown({"object": "event", "data": {"object": INVOICE}})

    service.runs("def read(body):\n    return body['data']['object']['total']\n", event)

    assert set(service.record.reads) == {("event", "data"), ("event", "data", "object"), ("invoice", "total")}


def test_what_tests_read_does_not_count(service):
    shown = service.shown(INVOICE)

    assert (shown["total"], shown.get("status")) == (100, "open")
    assert service.record.reads == {}


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("status == 'paid'", {"paid"}),
        ("'paid' == status", {"paid"}),
        ("status != 'paid'", {"paid"}),
        ("status in ('paid', 'void')", {"paid", "void"}),
        ("status in ENDED", {"paid", "void"}),
        ("status not in ENDED", {"paid", "void"}),
        ("RANK.get(status)", {"open", "paid"}),
        ("RANK[status]", {"open", "paid"}),
        ("Status(status)", {"open", "paid", "void"}),
        ("status is None", set()),
        ("status.upper()", set()),
    ],
)
def test_all_that_a_text_is_compared_with_or_looked_up_among_is_noted(service, expression, values):
    service.runs(
        f"""
        from enum import StrEnum

        class Status(StrEnum):
            OPEN = "open"
            PAID = "paid"
            VOID = "void"

        ENDED = frozenset({{"paid", "void"}})
        RANK = {{"open": 1, "paid": 2}}

        def read(raw):
            status = raw["status"]
            return {expression}
        """
    )

    assert service.values("invoice", "status") == values


def test_what_tests_compare_does_not_count(service):
    status = service.runs("def read(raw):\n    return raw['status']\n")

    assert status != "paid"
    assert {"open": 1}[status] == 1
    assert service.values("invoice", "status") == set()


def test_what_is_noted_behaves_as_it_would_otherwise(service):
    shown = service.shown(INVOICE)

    for each in (shown, copy.deepcopy(shown), dict(shown), shown | {}, json.loads(json.dumps(shown))):
        assert each == INVOICE
    assert (hash(shown["id"]), str(shown["id"]), f"{shown['id']}!") == (hash("in_1"), "in_1", "in_1!")
    assert {"in_1": 1}[shown["id"]] == 1


def test_a_record_is_written_and_read_again(service):
    service.runs("def read(raw):\n    return raw['status'] == 'paid'\n")

    again = Record.from_json(service.record.to_json())

    assert (again.reads, again.functions) == (service.record.reads, service.record.functions)


SNAPSHOTS = "adapters/stripe_gateway/snapshots.py"


def test_a_reader_that_was_not_reached_is_named(service):
    source = "def invoice(raw):\n    return raw['total']\n\n\ndef refund(raw):\n    return raw['amount']\n"

    service.runs(source, file=SNAPSHOTS, function="invoice")

    assert unreached(service.record) == [
        f"{SNAPSHOTS}:5 refund reads 'amount', and no run of the corpus found one"
    ]


def test_a_member_that_no_object_had_was_not_reached(service):
    service.runs("def read(raw):\n    return raw.get('total'), raw.get('discount')\n", file=SNAPSHOTS)

    assert unreached(service.record) == [
        f"{SNAPSHOTS}:1 read reads 'discount', and no run of the corpus found one"
    ]


def test_what_handlers_read_of_an_events_object_has_to_be_reached_too(service):
    service.writes(
        """
        class Handler:
            def apply(self, event):
                own = {}.get("anything")
                return event.object.get("id" if own else "invoice"), event.object["status"]
        """,
        "use_cases/handler.py",
    )

    assert [fault.split(",")[0] for fault in unreached(service.record)] == [
        f"use_cases/handler.py:3 Handler.apply reads {key!r}" for key in ("id", "invoice", "status")
    ]


def test_a_gateways_method_has_to_be_reached_if_it_makes_something_of_an_answer(service):
    source = """
        class Gateway:
            def create(self):
                return self._stripe.v1.customers.create({}).id
            def find(self, raw):
                return snapshots.invoice(raw)
            def delete(self):
                self._stripe.v1.invoices.delete("in_1")
        """
    service.writes(source, "adapters/stripe_gateway/invoices.py")

    assert [fault.split(" reads")[0] for fault in unreached(service.record)] == [
        "adapters/stripe_gateway/invoices.py:3 Gateway.create",
        "adapters/stripe_gateway/invoices.py:5 Gateway.find",
    ]


REFUND = {
    "id": "re_1",
    "object": "refund",
    "status": "succeeded",
    "amount": 100,
    "currency": "eur",
    "created": 1,
    "reason": "duplicate",
}
LISTED = {"payments": {"data": [{"id": "inpay_1", "status": "paid", "invoice": "in_1", "payment": {}}]}}
AMOUNTS = {"total": 0, "amount_due": 0, "amount_paid": 0, "amount_remaining": 0}
FULL_INVOICE = INVOICE | LISTED | AMOUNTS | {"customer": "cus_1", "currency": "eur"}


@pytest.mark.parametrize(
    ("path", "kind", "refused"),
    [
        ("refund status", "string", {"null", "new values"}),
        ("refund amount", "integer", {"null"}),
        ("refund reason", "string", set()),
        ("invoice number", "null", set()),
        ("invoice payments data [] status", "string", {"null"}),
        ("invoice payments data [] payment", "object", {"null"}),
    ],
)
def test_what_a_reader_refuses_is_found_by_showing_it_to_it(path, kind, refused):
    keys = tuple(path.split())
    sample = {"refund": REFUND, "invoice": FULL_INVOICE}[keys[0]]
    record = Record(reads={keys: Read({kind})}, samples={(keys[0], keys): sample})

    note_refusals(record)

    assert record.reads[keys].refuses == refused

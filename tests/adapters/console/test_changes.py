"""The change log, as people read it."""

import re
from dataclasses import replace

import pytest

from stripe_bridge.adapters.console.pages import changes
from stripe_bridge.domain.access import Role
from tests.adapters.console.browser import ConsoleWorld, text_of

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def sent(world: ConsoleWorld) -> ConsoleWorld:
    integration = world.connect()
    world.put_order(number=HOSTILE)
    world.send(integration["id"])
    return world


def entry_of(world: ConsoleWorld, type_: str) -> int:
    return next(each.sequence for each in world.bridge.changes.list("acme", 100) if each.type == type_)


def test_changes_are_listed_newest_first_with_what_changed_and_who_did_it(sent):
    said = listed(sent.visitor().get("/console/changes"))
    assert said.index("invoice.sent") < said.index("sales_order.created")
    assert re.search(r"invoice\.sent invoice 1 of sales order 1001 token \d+ for ERP user 7 sent at", said)


def test_a_log_is_filtered_by_type_group_and_order(sent):
    jane = sent.visitor()
    for query, shown, hidden in (
        ({"type": "invoice.*"}, "invoice.sent", "sales_order.created token"),
        ({"type": "token.created"}, "token.created token", "invoice.sent invoice"),
        ({"order": "1001"}, "invoice.sent", "token.created token"),
    ):
        said = listed(jane.get("/console/changes", **query))
        assert shown in said
        assert hidden not in said
    assert "No such change." in text_of(jane.get("/console/changes", order="9"))
    assert jane.get("/console/changes", type="invoice.melted").status_code == 422


def test_the_list_goes_on_below_the_last_number(world):
    for n in range(1001, 1031):
        world.put_order(n)
    jane = world.visitor()
    first = jane.get("/console/changes").get_data(as_text=True)
    before = re.search(r"before=(\d+)", first)
    assert before is not None
    older = jane.get("/console/changes", before=before[1]).get_data(as_text=True)
    assert f'href="/console/changes/{int(before[1]) - 1}"' in older
    assert f'href="/console/changes/{before[1]}"' not in older


def test_a_rare_type_is_looked_for_part_by_part(sent, monkeypatch):
    monkeypatch.setattr(changes, "_EXAMINED", 3)
    jane = sent.visitor()
    page = jane.get("/console/changes", type="token.created")
    last = len(sent.bridge.changes.list("acme", 100))
    assert f"Searched changes {last - 2} to {last}." in text_of(page)
    seen = []
    while older := re.search(r'rel="next" href="([^"]+)"', page.get_data(as_text=True)):
        page = jane.get(older[1].replace("&amp;", "&"))
        seen += re.findall(r'href="/console/changes/(\d+)"', page.get_data(as_text=True))
    assert entry_of(sent, "token.created") in map(int, seen)
    assert "That is all." in text_of(page)


def test_one_change_shows_each_field_before_and_after_and_what_stripe_or_an_erp_wrote_is_text(sent):
    jane = sent.visitor()
    number = entry_of(sent, "invoice.updated")
    page = jane.get(f"/console/changes/{number}").get_data(as_text=True)
    assert "<del>draft</del>" in page
    assert "<ins>open</ins>" in page
    order = jane.get(f"/console/changes/{entry_of(sent, 'sales_order.created')}")
    assert HOSTILE not in order.get_data(as_text=True)
    assert HOSTILE in text_of(order)


def test_acts_are_only_for_those_who_may_read_them(sent):
    number = entry_of(sent, "token.created")
    for role, seen in ((Role.ADMIN, True), (Role.VIEWER, False), (Role.POWER_USER, False)):
        somebody = sent.visitor(role)
        assert ("token.created" in text_of(somebody.get("/console/changes"))) is seen
        assert somebody.get(f"/console/changes/{number}").status_code == (200 if seen else 404)
        assert somebody.get("/console/changes/verify").status_code == (200 if seen else 403)


def test_a_log_is_verified_after_a_question_and_says_what_to_note_down(sent):
    jane = sent.visitor()
    assert "No worker has checked it yet." in text_of(jane.get("/console/changes/verify"))
    answer = jane.post("/console/changes/verify", form="/console/changes/verify")
    assert answer.status_code == 303
    said = text_of(jane.get("/console/changes/verify"))
    last = sent.bridge.changes.list("acme", 1)[0]
    assert re.search(
        rf"In order: \d+ changes, \d+ objects compared. Last number and hash: \d+ {last.hash}", said
    )


@pytest.mark.parametrize("signed", [b"{", b"{}", b"[]", b'{"type": "invoice.sent", "subject": 1}'])
def test_a_log_in_which_an_entry_was_changed_is_found_out_and_can_still_be_read(sent, signed):
    jane = sent.visitor()
    number = entry_of(sent, "invoice.sent")
    tamper(sent, number, signed)

    assert "damaged" in text_of(jane.get("/console/changes"))
    assert "cannot be read" in text_of(jane.get(f"/console/changes/{number}"))
    jane.post("/console/changes/verify", form="/console/changes/verify")
    assert f"Not in order: modified {number}" in text_of(jane.get("/console/changes/verify"))
    sent.bridge.changes.check_next()
    assert "not in order" in text_of(jane.get("/console/changes"))


def test_a_log_that_is_too_long_to_wait_for_is_left_to_the_command(sent, monkeypatch):
    monkeypatch.setattr(changes, "_VERIFIED_HERE", 2)
    jane = sent.visitor()
    page = text_of(jane.get("/console/changes/verify"))
    assert "use the command" in page
    assert "Verify now" not in page
    jane.post("/console/changes/verify", form="/console/tokens/new")
    assert "too long" in text_of(jane.get("/console/changes/verify"))


def test_an_operator_who_chose_no_tenant_sees_what_belongs_to_none(sent):
    olga = sent.operator()
    assert "invoice.sent" not in listed(olga.get("/console/changes"))
    assert "Choose a tenant" in text_of(olga.get("/console/changes"))
    assert "invoice.sent" in listed(olga.get("/console/changes", tenant="acme"))


def test_another_tenants_changes_are_not_there(sent):
    bob = sent.visitor(tenant="initech")
    assert "invoice.sent" not in listed(bob.get("/console/changes"))
    assert bob.get("/console/changes", tenant="acme").status_code == 404
    assert bob.get(f"/console/changes/{entry_of(sent, 'invoice.sent')}").status_code == 404


def listed(page) -> str:
    """The rows, without the filters, which name all types."""
    return text_of(page).rpartition("Reset")[2]


def tamper(world: ConsoleWorld, number: int, signed: bytes) -> None:
    with world.store.writing() as work:
        entries = work._tables.changes
        stored = entries.rows["acme", number]
        entries.put(("acme", number), replace(stored, signed=signed))
        work.commit()

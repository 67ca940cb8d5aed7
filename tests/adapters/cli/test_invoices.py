import pytest

from stripe_bridge.domain.refusal import Refusal
from stripe_bridge.ports.stripe.errors import GatewayRefused, OutcomeUnknown
from tests.adapters.cli.terminal import Terminal

ACME = ("--tenant", "acme")


@pytest.fixture
def connected(terminal: Terminal) -> Terminal:
    terminal.world.connect()
    terminal.world.put_order()
    return terminal


def send(terminal: Terminal, *more: object):
    through = ("--integration", terminal.world.integration_id, "--order", 501)
    return terminal.json("invoices", "send", *ACME, *through, *more)


def test_an_invoice_is_sent_for_all_that_its_order_owes(connected: Terminal):
    sent = send(connected, "--user-id", 7)

    assert (sent["status"], sent["amount"], sent["currency"]) == ("open", 12_000, "EUR")
    assert (sent["sales_order_number"], sent["user_id"]) == ("SO-501", 7)
    assert connected.world.mails() == [sent["stripe_invoice_id"]]


def test_amount_and_email_are_those_asked_for(connected: Terminal):
    sent = send(connected, "--amount", 2_500, "--email", "else@example.com")

    assert (sent["amount"], sent["customer_email"]) == (2_500, "else@example.com")


def test_a_payable_invoice_is_shown_instead_of_a_second_one(connected: Terminal):
    first = send(connected)
    again = connected.run(
        "invoices", "send", *ACME, "--integration", connected.world.integration_id, "--order", "501"
    )

    assert send(connected)["id"] == first["id"]
    assert "already has a payable invoice" in again.stderr
    assert len(connected.world.mails()) == 1


def test_what_stripe_refuses_is_shown_with_its_reason(connected: Terminal):
    said = Refusal(message="No such\ncurrency", request_id="req_1")
    connected.stripe.fail_next("create_draft", GatewayRefused("no", refusal=said))

    reported = connected.refused(
        "invoices", "send", *ACME, "--integration", connected.world.integration_id, "--order", 501
    )

    assert reported.startswith("Error: Stripe refused the invoice: No such currency")
    assert "Stripe's request req_1" in reported


def test_a_violated_rule_is_shown_as_a_sentence(connected: Terminal):
    through = ("--integration", connected.world.integration_id, "--order", 501)

    reported = connected.refused("invoices", "send", *ACME, *through, "--amount", 99_999_999)

    assert "above the outstanding balance" in reported


def test_an_invoice_is_voided(connected: Terminal):
    sent = send(connected)

    voided = connected.json("invoices", "void", sent["id"], *ACME, "--yes")

    assert voided["status"] == "void"
    assert "cannot be voided" in connected.refused("invoices", "void", sent["id"], *ACME, "--yes")


def test_a_void_is_the_operators(connected: Terminal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SUDO_USER", "alice")
    sent = send(connected)

    voided = connected.json("invoices", "void", sent["id"], *ACME, "--yes")

    assert voided["voided_by"] == {"type": "operator", "id": "alice", "user_id": None}


def test_what_was_paid_is_shown(connected: Terminal):
    paid = connected.world.paid(502)

    shown = connected.json("invoices", "show", paid.id, *ACME)

    assert [(each["status"], each["amount"], each["method"]) for each in shown["payments"]] == [
        ("paid", 12_000, "card")
    ]
    assert "refundable_in_cents" in connected.shown("invoices", "show", paid.id, *ACME)


def test_a_void_without_an_answer_is_a_failure(connected: Terminal):
    sent = send(connected)
    connected.stripe.fail_next("void", OutcomeUnknown("timed out"))

    reported = connected.refused("invoices", "void", sent["id"], *ACME, "--yes")

    assert "could not be voided" in reported
    assert reported.endswith("A worker will settle it; see: stripe-bridge intents list\n")
    assert [row["operation"] for row in connected.json("intents", "list")] == ["void"]


def test_lists_are_by_integration_and_status_or_by_order(connected: Terminal):
    paid = connected.world.paid(502)
    sent = send(connected)
    through = ("--integration", connected.world.integration_id)

    def ids(*arguments: object) -> list[int]:
        return [row["id"] for row in connected.json("invoices", "list", *ACME, *arguments)]

    assert ids(*through) == [sent["id"], paid.id]
    assert ids(*through, "--status", "paid") == [paid.id]
    assert ids(*through, "--before", sent["id"]) == [paid.id]
    assert ids("--order", 501) == [sent["id"]]
    assert "SO-502" in connected.shown("invoices", "list", *ACME, *through)


def test_an_invoice_is_shown_whole(connected: Terminal):
    sent = send(connected)

    assert connected.json("invoices", "show", sent["id"], *ACME) == sent
    assert sent["hosted_invoice_url"] in connected.shown("invoices", "show", sent["id"], *ACME)


def test_the_activity_is_the_events_about_the_invoice(connected: Terminal):
    paid = connected.world.paid(502)

    reported = connected.json("invoices", "activity", paid.id, *ACME)

    assert {"invoice.paid", "charge.succeeded"} <= {event["event_type"] for event in reported}
    assert "invoice.paid" in connected.shown("invoices", "activity", paid.id, *ACME)
    sent = send(connected)
    assert "No events yet" in connected.shown("invoices", "activity", sent["id"], *ACME)


@pytest.mark.parametrize("command", ["show", "void", "activity"])
def test_another_tenants_invoice_is_not_found(connected: Terminal, command: str):
    sent = send(connected)
    connected.begin("other")

    reported = connected.refused("invoices", command, sent["id"], "--tenant", "other")

    assert reported == "Error: Invoice not found.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("list",),
        ("list", "--integration", "1", "--order", "501"),
        ("list", "--order", "501", "--status", "paid"),
        ("list", "--integration", "1", "--status", "reserved"),
        ("send", "--order", "501"),
        ("send", "--integration", "1", "--order", "501", "--amount", "0"),
        ("send", "--integration", "1", "--order", "501", "--amount", "12.50"),
        ("send", "--integration", "1", "--order", "501", "--email", "nobody"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(terminal: Terminal, arguments: tuple[str, ...]):
    terminal.begin("acme")
    terminal.refused("invoices", *arguments, *ACME, exit_code=2)


def test_an_order_shows_what_it_owes_and_the_invoice_that_asks_for_it(connected: Terminal):
    sent = send(connected, "--amount", 2_000)

    reported = connected.json("orders", "show", 501, *ACME)

    assert (reported["total_in_cents"], reported["outstanding_in_cents"]) == (12_000, 12_000)
    assert reported["open_invoice"] == {"id": sent["id"], "amount": 2_000}
    assert "outstanding_in_cents     12000" in connected.shown("orders", "show", 501, *ACME)
    assert "not found" in connected.refused("orders", "show", 999, *ACME)


def test_invoices_are_found_by_what_is_at_hand(connected: Terminal):
    sent = send(connected)
    for words in (
        (sent["number"],),
        ("jane@",),
        (sent["stripe_invoice_id"],),
        ("SO-501", "--by", "order"),
        ("--status", "open", "--payment-status", "none"),
        ("--integration", connected.world.integration_id, "--from", "2020-01-01"),
    ):
        found = connected.json("invoices", "search", *ACME, *words)
        assert [each["id"] for each in found] == [sent["id"]], words
    for nothing in (["NOBODY"], ["--until", "2020-01-01"], ["--status", "paid"]):
        assert connected.json("invoices", "search", *ACME, *nothing) == []


def test_a_search_goes_on_where_it_ended(connected: Terminal):
    first = send(connected)
    connected.world.put_order(502)
    connected.world.send(502)
    shown = connected.run("invoices", "search", *ACME, "--limit", "1")
    before = shown.stderr.rpartition("--before ")[2].strip()
    (rest,) = connected.json("invoices", "search", *ACME, "--before", before)
    assert rest["id"] == first["id"]

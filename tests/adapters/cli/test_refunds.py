import pytest

from stripe_bridge.ports.stripe.errors import GatewayRefused, OutcomeUnknown
from tests.adapters.cli.terminal import Terminal
from tests.use_cases.refunding import refund_again

ACME = ("--tenant", "acme")


@pytest.fixture
def paid(terminal: Terminal) -> int:
    """The id of a paid invoice."""
    terminal.world.connect()
    return terminal.world.paid().id


def test_a_part_is_refunded_then_all_that_is_left(terminal: Terminal, paid: int):
    (part,) = terminal.json(
        "refunds", "issue", paid, *ACME, "--yes", "--amount", 2_000, "--reason", "duplicate"
    )
    (rest,) = terminal.json("refunds", "issue", paid, *ACME, "--yes", "--user-id", 7)

    assert (part["amount"], part["status"], part["reason"]) == (2_000, "succeeded", "duplicate")
    assert (rest["amount"], rest["user_id"]) == (10_000, 7)
    assert [refund.id for refund in terminal.world.refunds_at_stripe()] == [
        part["refund_id"],
        rest["refund_id"],
    ]
    assert terminal.json("refunds", "list", paid, *ACME) == [rest, part]
    assert {refund["source"] for refund in (part, rest)} == {"cli"}


def test_a_refund_that_was_made_twice_is_accepted_once(terminal: Terminal, paid: int):
    (ours,) = terminal.world.refund(paid, 2_000)
    refund_again(terminal.world, ours)
    terminal.world.deliver()
    second = terminal.json("refunds", "list", paid, *ACME)[0]
    assert second["id"] != ours.id

    assert terminal.json("refunds", "accept-duplicate", second["id"], *ACME)["id"] == second["id"]

    assert "not reported" in terminal.refused("refunds", "accept-duplicate", second["id"], *ACME)
    assert "not found" in terminal.refused("refunds", "accept-duplicate", 999, *ACME)


def test_more_than_is_left_is_refused(terminal: Terminal, paid: int):
    assert "may still be refunded" in terminal.refused(
        "refunds", "issue", paid, *ACME, "--yes", "--amount", 12_001
    )
    assert terminal.world.refunds_at_stripe() == []


def test_what_stripe_refuses_is_a_failure(terminal: Terminal, paid: int):
    terminal.stripe.fail_next("create_refund", GatewayRefused("No."))

    reported = terminal.refused("refunds", "issue", paid, *ACME, "--yes")

    assert reported.startswith("Error: Stripe refused the refund: No.")
    assert reported.endswith("stripe-bridge intents list --state failed\n")
    assert [row["last_error"] for row in terminal.json("intents", "list", "--state", "failed")] == ["No."]


@pytest.mark.parametrize("amount", [(), ("--amount", 12_000)])
def test_a_refund_in_parts_one_of_which_stripe_refuses_shows_how_much_did_not_go_back(
    terminal: Terminal, amount: tuple[object, ...]
):
    terminal.world.connect()
    invoice = terminal.world.sent()
    terminal.world.pay(invoice, 4_000)
    terminal.world.pay(invoice)
    terminal.world.deliver()
    terminal.stripe.fail_next("create_refund", GatewayRefused("no"))

    reported = terminal.run("refunds", "issue", invoice.id, *ACME, "--yes", *amount)

    assert reported.exit_code == 0
    assert reported.stdout.count("succeeded") == 1
    assert "Stripe refused the rest: 4000" in reported.stderr


def test_a_refund_that_is_not_known_yet_is_pending_without_an_id_of_stripes(terminal: Terminal, paid: int):
    terminal.stripe.fail_next("create_refund", OutcomeUnknown("timed out"))

    (refund,) = terminal.json("refunds", "issue", paid, *ACME, "--yes")

    assert (refund["status"], refund["refund_id"]) == ("pending", None)


def test_people_see_refunds_as_a_table(terminal: Terminal, paid: int):
    assert "No refunds" in terminal.shown("refunds", "list", paid, *ACME)
    terminal.shown("refunds", "issue", paid, *ACME, "--yes")

    assert "12000" in terminal.shown("refunds", "list", paid, *ACME)


@pytest.mark.parametrize("command", ["list", "issue"])
def test_another_tenants_invoice_is_not_found(terminal: Terminal, paid: int, command: str):
    assert "not found" in terminal.refused("refunds", command, paid, "--tenant", "other")
    assert terminal.world.refunds_at_stripe() == []


@pytest.mark.parametrize(
    "arguments",
    [("issue",), ("issue", "1", "--amount", "-1"), ("issue", "1", "--reason", "whim"), ("list", "x")],
)
def test_what_cannot_be_meant_is_a_usage_error(terminal: Terminal, arguments: tuple[str, ...]):
    terminal.refused("refunds", *arguments, *ACME, exit_code=2)

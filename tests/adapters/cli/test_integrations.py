import pytest

from tests.adapters.cli.terminal import Terminal

NAME = "Rosen Furniture"


def create(terminal: Terminal, tenant: str = "acme") -> int:
    terminal.begin(tenant)
    made: int = terminal.json("integrations", "create", NAME, "--tenant", tenant)["id"]
    return made


def test_an_integration_begins_unconnected(terminal: Terminal):
    terminal.begin("acme")
    made = terminal.json("integrations", "create", NAME, "--tenant", "acme")

    assert (made["name"], made["tenant_id"], made["sync_status"]) == (NAME, "acme", "pending")
    assert (made["connected"], made["stripe_account_id"], made["capabilities"]) == (False, None, {})


def test_the_address_to_authorize_at_is_all_that_is_printed(terminal: Terminal):
    integration = create(terminal)

    shown = terminal.shown("integrations", "authorize", integration, "--tenant", "acme")

    assert shown.startswith("https://")
    assert shown.count("\n") == 1
    reported = terminal.json("integrations", "authorize", integration, "--tenant", "acme")
    assert reported["authorize_url"].startswith("https://")


def test_a_connected_integration_shows_its_account_and_never_its_token(terminal: Terminal):
    integration = terminal.world.connect(country="DE", default_currency="eur")

    reported = terminal.json("integrations", "show", integration, "--tenant", "acme")
    shown = terminal.shown("integrations", "show", integration, "--tenant", "acme")

    assert (reported["sync_status"], reported["country"]) == ("active", "DE")
    assert reported["stripe_account_id"] == terminal.world.account_id
    assert "token" not in shown + str(reported)
    assert "sealed" not in shown + str(reported)
    assert "charges_enabled     yes" in shown


def test_a_connected_integration_is_not_authorized_again(terminal: Terminal):
    integration = terminal.world.connect()

    assert "already connected" in terminal.refused(
        "integrations", "authorize", integration, "--tenant", "acme"
    )


def test_a_disconnected_integration_leaves_its_account_and_again_changes_nothing(terminal: Terminal):
    integration = terminal.world.connect()

    first = terminal.json("integrations", "disconnect", integration, "--tenant", "acme", "--yes")
    again = terminal.json("integrations", "disconnect", integration, "--tenant", "acme", "--yes")

    assert (first["sync_status"], first["stripe_account_id"]) == ("disconnected", None)
    assert again == first
    assert not terminal.stripe.accounts[terminal.world.account_id].connected


def test_what_is_in_flight_is_shown_when_an_integration_is_disconnected_and_afterwards(
    terminal: Terminal,
):
    integration = terminal.world.connect()
    nothing = terminal.shown("integrations", "in-flight", integration, "--tenant", "acme")
    invoice = terminal.world.sent()

    left = terminal.run("integrations", "disconnect", integration, "--tenant", "acme", "--yes", "--json")
    reported = terminal.json("integrations", "in-flight", integration, "--tenant", "acme")

    assert nothing == "Nothing is in flight.\n"
    assert "1 invoice." in left.stderr
    assert f"in-flight {integration}" in left.stderr
    assert reported == [
        {
            "kind": "invoice",
            "invoice_id": invoice.id,
            "stripe_id": invoice.stripe_invoice_id,
            "status": "open",
            "amount": invoice.amount,
            "currency": "EUR",
        }
    ]


def test_a_list_is_the_tenants_own_newest_first_and_says_how_to_go_on(terminal: Terminal):
    ids = [create(terminal) for _ in range(3)]
    create(terminal, tenant="other")

    first = terminal.run("integrations", "list", "--tenant", "acme", "--limit", "2")
    rest = terminal.json("integrations", "list", "--tenant", "acme", "--before", ids[1])

    assert f"--before {ids[1]}" in first.stderr
    assert [line.split()[0] for line in first.stdout.splitlines()[1:]] == [str(ids[2]), str(ids[1])]
    assert [row["id"] for row in rest] == [ids[0]]


def test_an_unknown_tenant_gets_nothing_unless_it_is_said_to_be_new(terminal: Terminal):
    create(terminal)

    refused = terminal.refused("integrations", "create", NAME, "--tenant", "amce")
    assert (
        refused
        == "Error: Tenant not found: it has neither a token nor an integration. If it is a new one, add --new-tenant.\n"
    )
    assert [row["id"] for row in terminal.json("integrations", "list", "--tenant", "acme")] == [1]

    made = terminal.json("integrations", "create", NAME, "--tenant", "globex", "--new-tenant")
    assert terminal.json("integrations", "list", "--tenant", "globex") == [made]


@pytest.mark.parametrize(
    "arguments",
    [
        ("integrations", "list"),
        ("integrations", "show", 1),
        ("events", "list", "--status", "failed"),
        ("events", "replay", "--status", "failed"),
        ("intents", "list"),
        ("invoices", "list", "--order", 1),
        ("orders", "show", 1),
        ("refunds", "list", 1),
    ],
    ids=lambda arguments: " ".join(map(str, arguments)),
)
def test_nothing_is_shown_of_an_unknown_tenant(terminal: Terminal, arguments: tuple[object, ...]):
    create(terminal)
    assert "Tenant not found" in terminal.refused(*arguments, "--tenant", "amce")


def test_a_list_of_nothing_says_so_to_people_and_is_empty_for_programs(terminal: Terminal):
    terminal.begin("acme")
    assert "No integrations" in terminal.shown("integrations", "list", "--tenant", "acme")
    assert terminal.json("integrations", "list", "--tenant", "acme") == []


@pytest.mark.parametrize("command", ["show", "authorize", "disconnect", "in-flight"])
def test_another_tenants_integration_is_not_found(terminal: Terminal, command: str):
    integration = create(terminal)
    terminal.begin("other")

    reported = terminal.refused("integrations", command, integration, "--tenant", "other")

    assert reported == "Error: Stripe integration not found.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "x"),
        ("create", " ", "--tenant", "acme"),
        ("create", "x" * 256, "--tenant", "acme"),
        ("create", "\udcff", "--tenant", "acme"),
        ("show", "0", "--tenant", "acme"),
        ("show", "one", "--tenant", "acme"),
        ("show", "0" * 20 + "1", "--tenant", "acme"),
        ("show", str(2**63), "--tenant", "acme"),
        ("list", "--tenant", ""),
        ("list", "--tenant", "acme", "--limit", "0"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(terminal: Terminal, arguments: tuple[str, ...]):
    terminal.refused("integrations", *arguments, exit_code=2)

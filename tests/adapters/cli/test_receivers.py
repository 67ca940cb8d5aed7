import pytest

from tests.adapters.cli.terminal import URL, Terminal
from tests.fakes.stripe.receivers import FakeReceiverGateway

SECRET = "whsec_made_by_hand"


def test_registering_makes_both_endpoints_and_again_is_a_check(terminal: Terminal):
    first = terminal.json("receivers", "register")
    again = terminal.json("receivers", "register")

    assert [(made["kind"], made["action"]) for made in first] == [
        ("platform", "created"),
        ("connect", "created"),
    ]
    assert [found["action"] for found in again] == ["in order", "in order"]
    assert set(first[0]) == {"kind", "endpoint_id", "url", "action", "faults"}


def test_people_see_what_registering_did(terminal: Terminal):
    shown = terminal.run("receivers", "register").stdout

    assert shown.count("created") == 2
    assert shown.count(URL) == 2


def test_the_list_shows_receivers_without_their_secrets(terminal: Terminal):
    terminal.json("receivers", "register")

    listed = terminal.json("receivers", "list")

    assert [receiver["kind"] for receiver in listed] == ["platform", "connect"]
    assert set(listed[0]) == {
        "id",
        "kind",
        "integration_id",
        "endpoint_id",
        "url",
        "enabled",
        "checked_at",
    }
    assert "whsec" not in terminal.run("receivers", "list").stdout


def test_stripes_refusal_fails_in_a_sentence_with_stripes_reason(terminal: Terminal):
    for number in range(16):
        FakeReceiverGateway(terminal.stripe).create_endpoint(
            account_id=None,
            url="https://elsewhere.test",
            connect=False,
            events=frozenset({"*"}),
            metadata={},
            key=f"key-{number}",
        )

    result = terminal.run("receivers", "register")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "Stripe refused: " in result.stderr
    assert "maximum number of webhook endpoints" in result.stderr


@pytest.mark.parametrize("how", [(), ("--secret-stdin",)])
def test_a_merchants_own_endpoint_is_attached_by_its_secret(terminal: Terminal, how: tuple[str, ...]):
    integration = terminal.integrate()

    result = terminal.run("receivers", "attach", str(integration), *how, stdin=f"{SECRET}\n")

    assert (result.exit_code, result.stderr) == (0, "")
    assert f"{URL}/{integration}" in result.stdout
    (listed,) = terminal.json("receivers", "list")
    assert (listed["kind"], listed["integration_id"], listed["endpoint_id"]) == ("account", integration, None)


@pytest.mark.parametrize("how", [(), ("--secret-stdin",)])
def test_a_secret_is_never_shown(terminal: Terminal, how: tuple[str, ...]):
    integration = terminal.integrate()

    result = terminal.run("receivers", "attach", str(integration), *how, stdin=f"{SECRET}\n")

    assert SECRET not in result.output


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "sk_test_1", "x whsec_1", "whsec_1 2", "whsec_ä", b"whsec_\xff"]
)
def test_what_is_no_signing_secret_is_refused_without_being_shown(terminal: Terminal, secret: str | bytes):
    integration = terminal.integrate()

    result = terminal.run("receivers", "attach", str(integration), "--secret-stdin", stdin=secret)

    assert result.exit_code == 2
    assert "begins with whsec_" in result.stderr
    assert "sk_test_1" not in result.output
    assert terminal.json("receivers", "list") == []


def test_attaching_to_no_integration_fails_in_a_sentence(terminal: Terminal):
    result = terminal.run("receivers", "attach", "99", "--secret-stdin", stdin=SECRET)

    assert (result.exit_code, result.stderr) == (1, "Error: Stripe integration not found.\n")

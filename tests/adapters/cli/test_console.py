import pytest

from stripe_bridge.domain.access import Role
from stripe_bridge.domain.errors.base import Unauthenticated
from stripe_bridge.domain.origin import Actor, ActorType, Origin
from stripe_bridge.ports.origin import acting_as
from tests.adapters.cli.terminal import Terminal

ASKED = Origin(actor=Actor(type=ActorType.TOKEN, id="token:1"), cause={"request_id": "req-1"})


def secret_in(link: str) -> str:
    return link.strip().partition("#")[2]


def a_tenant(terminal: Terminal) -> None:
    terminal.json("tokens", "create", "--tenant", "acme", "--new-tenant", "--role", "viewer")


def test_an_operators_link_is_an_address_of_this_service_that_signs_in(terminal: Terminal):
    result = terminal.run("console", "link", "--operator", "--name", "olga")
    assert result.exit_code == 0
    assert result.stdout.startswith("https://bridge.test/console/sign-in#sbl_")
    session = terminal.bridge.access.sign_in_by_link(secret_in(result.stdout)).session
    assert (session.name, session.is_operator) == ("olga", True)


def test_a_tenants_link_signs_in_with_the_role_that_was_said(terminal: Terminal):
    a_tenant(terminal)
    made = terminal.json("console", "link", "--tenant", "acme", "--role", "member")
    assert made.keys() == {"url", "expires_at"}
    session = terminal.bridge.access.sign_in_by_link(secret_in(made["url"])).session
    assert (session.tenant_id, session.role) == ("acme", Role.MEMBER)


def test_without_a_name_a_link_is_for_whoever_made_it(terminal: Terminal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SUDO_USER", "olga")
    made = terminal.json("console", "link", "--operator")
    assert terminal.bridge.access.sign_in_by_link(secret_in(made["url"])).session.name == "olga"


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--tenant", "acme"),
        ("--role", "viewer"),
        ("--operator", "--tenant", "acme", "--role", "viewer"),
        ("--operator", "--role", "viewer"),
    ],
)
def test_a_link_is_for_an_operator_or_for_a_tenants_person_with_a_role(terminal: Terminal, options):
    a_tenant(terminal)
    result = terminal.run("console", "link", *options)
    assert result.exit_code == 2
    assert "Give either --operator, or --tenant and --role." in result.stderr


def test_a_mistyped_tenant_gets_no_link(terminal: Terminal):
    result = terminal.run("console", "link", "--tenant", "acmee", "--role", "viewer")
    assert result.exit_code == 1
    assert "Tenant not found" in result.stderr


def test_a_link_without_an_end_is_not_made_where_others_can_reach_the_service(terminal: Terminal):
    result = terminal.run("console", "link", "--operator", "--standing")
    assert result.exit_code == 1
    assert "Links that do not expire need a PUBLIC_URL on loopback" in result.stderr


def test_who_is_signed_in_is_listed_and_can_be_signed_out(terminal: Terminal):
    assert "Nobody is signed in." in terminal.run("console", "sessions").stdout
    made = terminal.json("console", "link", "--operator", "--name", "olga")
    begun = terminal.bridge.access.sign_in_by_link(secret_in(made["url"]))
    (row,) = terminal.json("console", "sessions")
    assert (row["id"], row["name"], row["tenant_id"], row["role"]) == (1, "olga", None, "operator")
    assert begun.secret not in terminal.run("console", "sessions").stdout
    assert "Session 1 of olga has ended." in terminal.run("console", "sign-out", "1").stdout
    with pytest.raises(Unauthenticated):
        terminal.bridge.access.authenticate_console(begun.secret)
    assert terminal.run("console", "sign-out", "2").exit_code == 1


def test_what_a_request_did_is_shown_by_its_id(terminal: Terminal):
    world = terminal.world
    world.connect()
    with acting_as(ASKED):
        world.sent()
    result = terminal.run("changes", "request", "req-1")
    assert result.exit_code == 0
    for what in ("invoice.sent", "create_draft", "confirmed"):
        assert what in result.stdout
    shown = terminal.json("changes", "request", "req-1", "--tenant", world.tenant)
    assert {each["cause"]["request_id"] for each in shown["changes"]} == {"req-1"}
    assert [each["operation"] for each in shown["intents"]][-1] == "send"
    unknown = terminal.run("changes", "request", "req-2")
    assert (unknown.exit_code, "Nothing is recorded" in unknown.stderr) == (1, True)

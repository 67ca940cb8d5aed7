import pytest

from stripe_bridge.domain.access import Role
from stripe_bridge.domain.errors.base import Unauthenticated
from tests.adapters.cli.terminal import Terminal


def test_a_token_that_was_made_opens_what_it_was_made_for(terminal: Terminal):
    made = terminal.json(
        "tokens", "create", "--tenant", "acme", "--new-tenant", "--role", "member", "--user-id", "17"
    )

    principal = terminal.bridge.access.authenticate(made["token"])

    assert (principal.tenant_id, principal.role, principal.user_id) == ("acme", Role.MEMBER, 17)


def test_programs_get_a_new_token_with_all_that_is_known_of_it(terminal: Terminal):
    made = terminal.json(
        "tokens", "create", "--tenant", "acme", "--new-tenant", "--role", "admin", "--label", "the ERP"
    )

    assert made == {
        "id": 1,
        "tenant_id": "acme",
        "role": "admin",
        "user_id": None,
        "label": "the ERP",
        "created_at": "2026-11-23T12:00:00.000000Z",
        "revoked_at": None,
        "token": "sbt_secret-1",
    }


def test_a_new_token_comes_with_the_advice_to_store_it(terminal: Terminal):
    result = terminal.run("tokens", "create", "--tenant", "acme", "--new-tenant", "--role", "admin")

    assert result.exit_code == 0
    assert "sbt_secret-1" in result.stdout
    assert "cannot be shown again" in result.stderr


def test_the_list_never_shows_a_token_or_its_hash(terminal: Terminal):
    terminal.json("tokens", "create", "--tenant", "acme", "--new-tenant", "--role", "admin")

    (listed,) = terminal.json("tokens", "list")
    table = terminal.run("tokens", "list").stdout

    assert set(listed) == {"id", "tenant_id", "role", "user_id", "label", "created_at", "revoked_at"}
    assert "sbt_" not in table
    assert "acme" in table


def test_a_list_of_nothing_says_so_to_people_and_is_empty_for_programs(terminal: Terminal):
    assert "No tokens" in terminal.run("tokens", "list").stdout
    assert terminal.json("tokens", "list") == []


def test_a_table_lines_up(terminal: Terminal):
    terminal.json("tokens", "create", "--tenant", "a-very-long-tenant", "--new-tenant", "--role", "admin")
    terminal.json("tokens", "create", "--tenant", "b", "--new-tenant", "--role", "viewer", "--label", "x")

    header, *rows = terminal.run("tokens", "list").stdout.splitlines()

    column = header.index("role")
    assert [row[column:].split()[0] for row in rows] == ["admin", "viewer"]


def test_a_label_cannot_move_the_cursor_of_who_reads_it(terminal: Terminal):
    terminal.json(
        "tokens", "create", "--tenant", "acme", "--new-tenant", "--role", "admin", "--label", "\x1b[2Jgone\n"
    )

    assert "?[2Jgone?" in terminal.run("tokens", "list").stdout


@pytest.mark.parametrize("label", ["\udcff", "x" * 256])
def test_a_label_that_cannot_be_kept_is_refused_in_a_sentence(terminal: Terminal, label: str):
    result = terminal.run(
        "tokens", "create", "--tenant", "acme", "--new-tenant", "--role", "admin", "--label", label
    )

    assert (result.exit_code, result.stdout) == (2, "")
    assert terminal.json("tokens", "list") == []


def test_a_revoked_token_opens_nothing(terminal: Terminal):
    made = terminal.json("tokens", "create", "--tenant", "acme", "--new-tenant", "--role", "admin")

    result = terminal.run("tokens", "revoke", "--yes", str(made["id"]))

    assert (result.exit_code, result.stdout) == (0, "Token 1 of acme is revoked.\n")
    with pytest.raises(Unauthenticated):
        terminal.bridge.access.authenticate(made["token"])


def test_revoking_what_does_not_exist_fails_in_a_sentence(terminal: Terminal):
    result = terminal.run("tokens", "revoke", "99")

    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "Error: Token not found.\n")


def test_a_database_out_of_reach_fails_in_a_sentence(terminal: Terminal):
    terminal.store.is_available = False

    result = terminal.run("tokens", "list")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: The database is unavailable.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "--role", "admin"),
        ("create", "--tenant", "acme"),
        ("create", "--tenant", " ", "--role", "admin"),
        ("create", "--tenant", "acme", "--role", "emperor"),
        ("create", "--tenant", "acme", "--role", "admin", "--user-id", "0"),
        ("create", "--tenant", "acme", "--role", "admin", "--user-id", "one"),
        ("create", "--tenant", "acme", "--role", "admin", "--user-id", str(2**63)),
        ("revoke",),
        ("revoke", "x"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error_and_makes_nothing(
    terminal: Terminal, arguments: tuple[str, ...]
):
    result = terminal.run("tokens", *arguments)

    assert result.exit_code == 2
    assert terminal.json("tokens", "list") == []


def test_several_roles_make_as_many_tokens_in_one_list(terminal: Terminal):
    roles = ["--role", "viewer", "--role", "admin"]
    made = terminal.json("tokens", "create", "--tenant", "acme", "--new-tenant", *roles)
    assert [token["role"] for token in made] == ["viewer", "admin"]
    assert len({token["token"] for token in made}) == 2


def test_a_mistyped_tenant_gets_no_token(terminal: Terminal):
    terminal.json("tokens", "create", "--tenant", "acme", "--role", "admin", "--new-tenant")

    refused = terminal.refused("tokens", "create", "--tenant", "amce", "--role", "admin")

    assert refused.startswith("Error: Tenant not found")
    assert "--new-tenant" in refused
    assert terminal.json("tokens", "create", "--tenant", "acme", "--role", "viewer")["tenant_id"] == "acme"
    assert {row["tenant_id"] for row in terminal.json("tokens", "list")} == {"acme"}

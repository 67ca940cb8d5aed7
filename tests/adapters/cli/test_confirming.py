"""Commands that do what cannot be undone say what that is, and ask."""

from collections.abc import Callable

import pytest

from stripe_bridge.domain.access import Role
from tests.adapters.cli.terminal import Terminal

ACME = ("--tenant", "acme")
Command = tuple[object, ...]


def disconnecting(terminal: Terminal) -> Command:
    integration = terminal.world.connect()
    terminal.world.sent()
    return "integrations", "disconnect", integration, *ACME


def voiding(terminal: Terminal) -> Command:
    terminal.world.connect()
    return "invoices", "void", terminal.world.sent().id, *ACME


def refunding(terminal: Terminal) -> Command:
    terminal.world.connect()
    return "refunds", "issue", terminal.world.paid().id, *ACME, "--amount", 2_000


def refunding_all(terminal: Terminal) -> Command:
    return refunding(terminal)[:-2]


def revoking(terminal: Terminal) -> Command:
    issued = terminal.bridge.access.create_token(
        tenant_id="acme", role=Role.ADMIN, user_id=None, label="the ERP"
    )
    return "tokens", "revoke", issued.token.id


Prepare = Callable[[Terminal], Command]
CONSEQUENCES: list[tuple[Prepare, list[str]]] = [
    (disconnecting, ["acct_", "Main shop", "1 invoice"]),
    (voiding, ["120.00 EUR", "SO-501", "can no longer pay"]),
    (refunding, ["20.00 EUR of 120.00 EUR", "cannot be undone"]),
    (refunding_all, ["all that is left, at most 120.00 EUR", "cannot be undone"]),
    (revoking, ["acme", "admin", "'the ERP'"]),
]
PREPARE = [prepare for prepare, _ in CONSEQUENCES]


def writes(terminal: Terminal) -> tuple[object, ...]:
    """What has changed at Stripe, and which tokens still work."""
    with terminal.store.reading() as work:
        revoked = [token.revoked_at for token in work.tokens.all()]
    return len(terminal.world.calls()), revoked


@pytest.mark.parametrize(("prepare", "named"), CONSEQUENCES)
def test_what_will_happen_is_named_before_it_happens(terminal: Terminal, prepare: Prepare, named: list[str]):
    command = prepare(terminal)

    asked = terminal.run(*command, stdin="n\n")

    assert all(part in asked.stderr for part in named), asked.stderr


@pytest.mark.parametrize("answer", ["n\n", "\n"])
@pytest.mark.parametrize("prepare", PREPARE)
def test_without_consent_nothing_is_done(terminal: Terminal, prepare: Prepare, answer: str):
    command = prepare(terminal)
    before = writes(terminal)

    asked = terminal.run(*command, stdin=answer)

    assert (asked.exit_code, asked.stdout) == (1, "")
    assert asked.stderr.endswith("Error: Nothing was done.\n")
    assert writes(terminal) == before


@pytest.mark.parametrize("prepare", PREPARE)
def test_a_script_that_cannot_answer_learns_what_to_add(terminal: Terminal, prepare: Prepare):
    command = prepare(terminal)
    before = writes(terminal)

    asked = terminal.run(*command, stdin="")

    assert asked.exit_code == 2
    assert "--yes" in asked.stderr
    assert writes(terminal) == before


@pytest.mark.parametrize("prepare", PREPARE)
def test_with_consent_it_is_done(terminal: Terminal, prepare: Prepare):
    command = prepare(terminal)
    before = writes(terminal)

    assert terminal.run(*command, stdin="y\n").exit_code == 0
    assert writes(terminal) != before


@pytest.mark.parametrize("prepare", PREPARE)
def test_nothing_is_asked_if_the_answer_is_given_beforehand(terminal: Terminal, prepare: Prepare):
    command = prepare(terminal)
    before = writes(terminal)

    result = terminal.run(*command, "--yes", stdin="")

    assert result.exit_code == 0
    assert "Continue?" not in result.stderr
    assert writes(terminal) != before


def test_disconnecting_again_changes_nothing_and_asks_nothing(terminal: Terminal):
    command = disconnecting(terminal)
    terminal.run(*command, "--yes")

    assert "Continue?" not in terminal.run(*command, stdin="").stderr

import json

import pytest

from tests.adapters.cli.terminal import Terminal
from tests.builders import a_receiver, an_integration
from tests.fakes.vault import FakeVault

OLD = FakeVault("key-old")
TOKEN, SECRET = "sk_acct", "whsec_1"


@pytest.fixture
def sealed(terminal: Terminal) -> Terminal:
    """A terminal with a disconnected account, and a token and a signing secret sealed with an old key."""
    with terminal.store.writing() as work:
        work.integrations.add(an_integration(sealed_access_token=OLD.seal(TOKEN)))
        work.integrations.add(an_integration(account_id="acct_2", connected=False, sealed_access_token=None))
        work.receivers.add(a_receiver(sealed_secret=OLD.seal(SECRET)))
        work.commit()
    return terminal


def secrets_of(terminal: Terminal) -> list[str | None]:
    tables = terminal.store.committed
    tokens = [integration.sealed_access_token for integration in tables.integrations.rows.values()]
    return [*tokens, *(receiver.sealed_secret for receiver in tables.receivers.rows.values())]


def test_the_number_of_resealed_secrets_is_shown(terminal: Terminal):
    terminal.world.connect()
    terminal.json("receivers", "register")

    reported = terminal.json("keys", "rotate")

    assert reported == {
        "access_tokens": 1,
        "signing_secrets": 2,
        "unreadable_integrations": [],
        "unreadable_receivers": [],
        "subscriber_secrets": 0,
        "unreadable_subscribers": [],
    }
    assert "signing_secrets          2" in terminal.shown("keys", "rotate")


def test_what_no_key_opens_is_named_and_left_and_holds_up_nothing_else(sealed: Terminal):
    sealed.world.connect("acct_3")
    before = secrets_of(sealed)

    result = sealed.run("keys", "rotate", "--json")

    reported = json.loads(result.stdout)
    assert result.exit_code == 1
    assert "cannot be opened with any of the keys" in result.stderr
    assert (reported["unreadable_integrations"], reported["unreadable_receivers"]) == ([1], [1])
    assert reported["access_tokens"] == 1
    assert secrets_of(sealed)[:2] == before[:2]


def test_no_secret_is_ever_shown(sealed: Terminal):
    shown = sealed.run("keys", "rotate").output

    assert TOKEN not in shown
    assert SECRET not in shown
    assert "sealed(" not in shown

import pytest

from stripe_bridge.domain.errors.feed import HistoryChanged
from stripe_bridge.use_cases.changes.feed import FeedQuery
from stripe_bridge.use_cases.changes.read import ReadFeedCommand
from stripe_bridge.use_cases.changes.witness import Held
from tests.adapters.cli.terminal import Terminal

ACME = ("--tenant", "acme")


def test_sends_that_a_reader_has_held_by_mistake_go_on(terminal: Terminal):
    terminal.world.connect()
    terminal.world.put_order(501)
    command = ReadFeedCommand(
        query=FeedQuery(tenant_id="acme", after=1), held=Held(hash="f" * 64), may_hold_sends=True
    )
    with pytest.raises(HistoryChanged):
        terminal.world.bridge.changes.read(command)

    shown = terminal.run("changes", "resume", *ACME)

    assert shown.exit_code == 0
    assert terminal.world.account_id in shown.output
    assert terminal.world.send(501).created
    assert "not held because of a reader" in terminal.refused("changes", "resume", *ACME)


def test_a_mistyped_tenant_is_refused(terminal: Terminal):
    assert "Tenant not found" in terminal.refused("changes", "resume", "--tenant", "acmee")

from datetime import timedelta

from tests.adapters.cli.terminal import Terminal

ACME = ("--tenant", "acme")


def test_an_order_from_the_future_can_be_reset_once(terminal: Terminal):
    terminal.world.connect()
    terminal.world.put_order(source_updated_at=terminal.world.clock.now() + timedelta(hours=23))

    reset = terminal.json("orders", "reset-updated-at", 501, *ACME)

    assert reset["updated_at"].startswith("1970-01-01")
    assert reset == terminal.json("orders", "show", 501, *ACME)
    assert "not in the future" in terminal.refused("orders", "reset-updated-at", 501, *ACME)


def test_an_order_that_does_not_exist_cannot_be_reset(terminal: Terminal):
    terminal.world.connect()

    assert "not found" in terminal.refused("orders", "reset-updated-at", 999, *ACME)

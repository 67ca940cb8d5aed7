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


def test_orders_are_found_by_id_and_by_the_beginning_of_their_number(terminal: Terminal):
    terminal.world.connect()
    for id_ in (501, 502, 60):
        terminal.world.put_order(id_)
    search = ("orders", "search", "--tenant", "acme")
    assert [each["sales_order_id"] for each in terminal.json(*search)] == [502, 501, 60]
    assert [each["sales_order_id"] for each in terminal.json(*search, "SO-5")] == [501, 502]
    assert [each["sales_order_id"] for each in terminal.json(*search, "60")] == [60]
    shown = terminal.run(*search, "--limit", "2")
    assert "continue with: --after 501" in shown.stderr
    assert [each["sales_order_id"] for each in terminal.json(*search, "--after", 501)] == [60]

import re

from tests.adapters.cli import page
from tests.adapters.cli.terminal import Terminal
from tests.adapters.cli.test_other_commands import every_command


def test_the_page_of_commands_is_what_the_commands_say_of_themselves():
    assert page.generated() == page.reference(), "Run: python -m tests.adapters.cli.page"


def test_every_command_has_a_heading_on_the_page(terminal: Terminal):
    headings = set(re.findall(r"^#+ stripe-bridge (.+)$", page.generated(), flags=re.MULTILINE))

    assert headings == {" ".join(path) for path in every_command(terminal.commands)}


def test_every_command_that_the_page_uses_by_hand_exists(terminal: Terminal):
    by_hand = page.PAGE.read_text().removesuffix(page.generated())
    used = re.findall(r"^stripe-bridge ([a-z]+)(?: ([a-z]+))?", by_hand, flags=re.MULTILINE)

    assert len(used) > 5
    assert {tuple(filter(None, path)) for path in used} <= set(every_command(terminal.commands))

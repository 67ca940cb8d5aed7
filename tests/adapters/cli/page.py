"""The part of docs/cli.md that is the commands' own help. `python -m tests.adapters.cli.page` rewrites it."""

from pathlib import Path

import click

from tests.adapters.cli.terminal import Terminal

PAGE = Path(__file__).parents[3] / "docs" / "cli.md"
_BEGINNING = "<!-- From here on: the commands' own help. A test holds it to them. -->\n"


def reference() -> str:
    """The help of every command of ours, each group's own first."""
    commands = Terminal().commands
    top = click.Context(commands, info_name="stripe-bridge", terminal_width=100)
    return "\n".join(
        _section(commands.commands[name], name, top, level=2) for name in sorted(commands.commands)
    )


def generated() -> str:
    """What the page says about them."""
    return PAGE.read_text().partition(_BEGINNING)[2].lstrip("\n")


def write() -> None:
    by_hand = PAGE.read_text().partition(_BEGINNING)[0]
    PAGE.write_text(f"{by_hand}{_BEGINNING}\n{reference()}")


def _section(command: click.Command, name: str, parent: click.Context, *, level: int) -> str:
    context = click.Context(command, info_name=name, parent=parent)
    section = f"{'#' * level} {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"
    below = command.commands if isinstance(command, click.Group) else {}
    return "\n".join([section, *(_section(below[each], each, context, level=level + 1) for each in below)])


if __name__ == "__main__":
    write()

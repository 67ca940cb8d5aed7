"""`.env.example`, made from README's table of settings. `python -m tests.docs.env_example` rewrites it."""

import re
import textwrap
from collections.abc import Sequence

from tests.docs.pages import ROOT, Page

FILE = ROOT / ".env.example"
_INTRODUCTION = """\
Copy this file to .env, in the folder in which the service is started, and let only its user read it: it has secrets.
Every command that starts the service reads it: `stripe-bridge`, `flask`, `python -m stripe_bridge`, dramatiq or another
web server. The environment takes precedence. To set one of the settings below, remove the # before its name."""


def expected() -> str:
    rows = Page(ROOT / "README.md").table_under("## Settings")
    return "\n\n".join([_comment(_INTRODUCTION), *map(_entry, rows)]) + "\n"


def _entry(row: Sequence[str]) -> str:
    name, default = (cell.strip("`") for cell in row[:2])
    given = "" if default in ("none", "required") else default
    return f"{_comment(_plain(row[2]))}\n{'' if default == 'required' else '#'}{name}={given}"


def _plain(markdown: str) -> str:
    """Without links, since this is no page."""
    return re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", markdown).strip()


def _comment(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 110, initial_indent="# ", subsequent_indent="# ")


if __name__ == "__main__":
    FILE.write_text(expected())

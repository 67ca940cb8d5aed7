"""What people are told to type, in pages, in messages and in the help, is a command that exists."""

import re
from pathlib import Path

from stripe_bridge.bootstrap.console import main
from tests.adapters.cli.test_other_commands import every_command
from tests.docs.pages import ROOT, pages

EXISTING = every_command(main)
TOP = {path[0] for path in EXISTING}
GROUPS = {path[0] for path in EXISTING if len(path) > 1}

_WORDS = r"\s+([a-z][a-z-]*)(?:\s+([a-z][a-z-]*))?"


def told(program: str) -> dict[tuple[str, ...], Path]:
    """What follows the program's name, and a file that says so."""
    sources = [*(ROOT / "src" / "stripe_bridge").rglob("*.py"), *(ROOT / "deploy").rglob("*.y*ml")]
    return {
        tuple(filter(None, words)): path.relative_to(ROOT)
        for path in [*sources, *(page.path for page in pages())]
        for words in re.findall(rf"\b{program}{_WORDS}", path.read_text())
    }


def test_nobody_is_told_the_name_that_a_command_has_in_the_folder_of_a_clone_only():
    assert {words: where for words, where in told("flask").items() if words[0] in TOP} == {}


def test_every_command_that_somebody_is_told_to_run_exists():
    used = {
        words: where
        for words, where in told("stripe-bridge").items()
        if words[0] in GROUPS and len(words) > 1
    }
    assert len(used) > 30
    assert {words: where for words, where in used.items() if words not in EXISTING} == {}

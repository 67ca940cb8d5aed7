"""The documentation's pages, parsed as Markdown as far as tests need."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", flags=re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+\s+(.+?)\s*$", flags=re.MULTILINE)


@dataclass(frozen=True)
class Page:
    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @cached_property
    def text(self) -> str:
        return self.path.read_text()

    @cached_property
    def prose(self) -> str:
        """The text without fenced blocks."""
        return _FENCE.sub("", self.text)

    def links(self) -> list[str]:
        """The targets inside this repository: a path, a heading, or both."""
        return [target for target in _LINK.findall(self.prose) if not re.match(r"[a-z]+:", target)]

    def anchors(self) -> set[str]:
        """The anchors of its headings, as GitHub makes them from their text."""
        return {_anchor(heading) for heading in _HEADING.findall(self.prose)}

    def table_under(self, heading: str) -> list[list[str]]:
        """The cells of the first table after a heading, without its head."""
        _, found, rest = self.text.partition(f"\n{heading}\n")
        assert found, f"{self.name} has no {heading!r}"
        rows = re.search(r"^(\|.*\n)+", rest, flags=re.MULTILINE)
        assert rows, f"{self.name} has no table under {heading!r}"
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in rows[0].splitlines()]
        return cells[2:]


def pages() -> list[Page]:
    """Every page for readers."""
    return [Page(path) for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])]


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")

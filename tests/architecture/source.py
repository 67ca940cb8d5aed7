"""The project's source, parsed for rules that no linter has."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class SourceFile:
    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    def at(self, line: int) -> str:
        """Where a fault is, in the format that editors understand."""
        return f"{self.path.relative_to(ROOT)}:{line}"

    def functions(self) -> Iterator[Function]:
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and full name of every imported module."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.lineno, node.module or ""

    def names(self) -> Iterator[tuple[int, str]]:
        """Line and full dotted name of every use of something imported, with aliases resolved."""
        origins = self._origins()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute | ast.Name) and (name := _dotted(node)):
                first, dot, rest = name.partition(".")
                if first in origins:
                    yield node.lineno, origins[first] + dot + rest

    def _origins(self) -> dict[str, str]:
        origins: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                origins |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                plain = (alias.name.partition(".")[0] for alias in node.names if not alias.asname)
                origins |= {name: name for name in plain}
                origins |= {alias.asname: alias.name for alias in node.names if alias.asname}
        return origins


def sources(*folders: str) -> list[SourceFile]:
    """The Python files under these folders of src."""
    return [SourceFile(path) for folder in folders for path in sorted((SRC / folder).rglob("*.py"))]


def is_migration(source: SourceFile) -> bool:
    """Whether it is one of the numbered scripts, which describe the past and are never changed."""
    return source.path.parent.name == "versions"


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := _dotted(node.value)):
        return f"{base}.{node.attr}"
    return ""

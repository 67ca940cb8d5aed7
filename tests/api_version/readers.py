"""The places in the service's source where it reads Stripe's objects, so that the corpus can be held against them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.api_version.recording import Record
from tests.architecture.source import Function

_GATEWAY = "adapters/stripe_gateway/"
# In these every member that is named is one of Stripe's. Elsewhere it is what is read of an event's `object`.
_ONLY_STRIPES = ("adapters/stripe_gateway/snapshots.py", "domain/webhook_event.py")


def unreached(record: Record) -> list[str]:
    """Where the corpus never got: to a member that is read, or to a function that makes something of Stripe's answers."""
    found = {(*_place(each), keys[-1]) for keys, read in record.reads.items() for each in read.places}
    faults = []
    for path in sorted(Path(record.service).rglob("*.py")):
        file = path.relative_to(record.service).as_posix()
        tree = ast.parse(path.read_text())
        for function, node in _functions(tree):
            keys = set(_keys_read(node, file in _ONLY_STRIPES))
            faults += [
                f"{file}:{node.lineno} {function} reads {key!r}, and no run of the corpus found one"
                for key in sorted(keys)
                if (file, function, key) not in found
            ]
            if not keys and _uses_answers(node, file) and (file, function) not in record.functions:
                faults.append(
                    f"{file}:{node.lineno} {function} reads Stripe's answers, and no run of the corpus reached it"
                )
    return faults


def _place(place: str) -> tuple[str, str]:
    at, _, function = place.partition(" ")
    return at.partition(":")[0], function


def _functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    for node in tree.body:
        if isinstance(node, Function):
            yield node.name, node
        if isinstance(node, ast.ClassDef):
            yield from (
                (f"{node.name}.{each.name}", each) for each in node.body if isinstance(each, Function)
            )


def _keys_read(function: Function, is_only_stripes: bool) -> Iterator[str]:
    """The names in `x.get("name")`, `x["name"]` and `x.get("one" if … else "other")`."""
    for node in ast.walk(function):
        match node:
            case (
                ast.Call(func=ast.Attribute(value=of, attr="get"), args=[key, *_])
                | ast.Subscript(value=of, slice=key, ctx=ast.Load())
            ):
                if is_only_stripes or _is_object_of_event(of):
                    yield from _texts(key)


def _is_object_of_event(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "object"


def _texts(key: ast.expr) -> Iterator[str]:
    match key:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from (*_texts(one), *_texts(other))


def _uses_answers(function: Function, file: str) -> bool:
    """Whether a gateway's function makes something of an answer; a call whose answer is not looked at is a statement."""
    if not file.startswith(_GATEWAY):
        return False
    unused = {id(node.value) for node in ast.walk(function) if isinstance(node, ast.Expr)}
    calls = (
        ast.unparse(node.func)
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and id(node) not in unused
    )
    return any(call.startswith("snapshots.") or ".v1." in call for call in calls)

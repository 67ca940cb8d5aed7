"""The API keeps what its releases have promised; and the comparison that shows it would notice if it did not."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.web.breaking_changes import CURRENT, breaking_changes, main, released

Node = dict[str, Any]
DOCUMENT: Node = json.loads(CURRENT.read_text())
SCHEMAS: Node = DOCUMENT["components"]["schemas"]


def test_nothing_that_a_release_of_this_major_version_has_is_taken_away():
    assert released()
    for path in released():
        assert breaking_changes(json.loads(path.read_text()), DOCUMENT) == [], path.name


def test_a_document_breaks_nothing_of_itself():
    assert breaking_changes(DOCUMENT, DOCUMENT) == []


def places(node: Any, wanted: Callable[[Node], bool], *path: Any) -> Iterator[tuple[Any, ...]]:
    """The paths to objects inside of the document; examples are none of its promises."""
    if isinstance(node, dict):
        if wanted(node):
            yield path
        for name, child in node.items():
            if name not in ("examples", "example"):
                yield from places(child, wanted, *path, name)
    elif isinstance(node, list):
        for number, child in enumerate(node):
            yield from places(child, wanted, *path, number)


def at(document: Node, path: tuple[Any, ...]) -> Any:
    found: Any = document
    for part in path:
        found = found[part]
    return found


def is_schema_with_properties(node: Node) -> bool:
    return node.get("type") == "object" and "properties" in node


FIELDS = [
    (*path, "properties", name)
    for path in places(DOCUMENT, is_schema_with_properties)
    # There it narrows what the problem has anyway.
    if "allOf" not in path
    for name in at(DOCUMENT, path)["properties"]
]
ENUMS = [
    (*path, "enum", number)
    for path in places(DOCUMENT, lambda node: isinstance(node.get("enum"), list))
    for number in range(len(at(DOCUMENT, path)["enum"]))
]
OPERATIONS = [
    ("paths", path, method)
    for path, item in DOCUMENT["paths"].items()
    for method in item
    if method != "parameters"
]


@settings(max_examples=40)
@given(st.sampled_from([*FIELDS, *ENUMS, *OPERATIONS]))
def test_whatever_field_value_or_operation_is_removed_is_noticed(path: tuple[Any, ...]):
    changed = deepcopy(DOCUMENT)
    del at(changed, path[:-1])[path[-1]]

    assert breaking_changes(DOCUMENT, changed) != []


@settings(max_examples=40)
@given(st.sampled_from([*FIELDS, *ENUMS, *OPERATIONS]))
def test_what_a_later_release_adds_breaks_nothing(path: tuple[Any, ...]):
    """An earlier document without it is kept by the present one, unless a request now has to have it."""
    earlier = deepcopy(DOCUMENT)
    parent = at(earlier, path[:-1])
    del parent[path[-1]]
    if path[-2] == "properties":
        holder = at(earlier, path[:-2])
        was_required = path[-1] in holder.get("required", [])
        holder["required"] = [name for name in holder.get("required", []) if name != path[-1]]
        found = breaking_changes(earlier, DOCUMENT)
        assert all(each.endswith(f".{path[-1]} is required") for each in found)
        assert was_required or found == []
    else:
        assert breaking_changes(earlier, DOCUMENT) == []


ORDER: Node = {
    "type": "object",
    "additionalProperties": False,
    "required": ["number"],
    "properties": {
        "number": {"type": "string", "maxLength": 40, "minLength": 1},
        "total": {"type": "integer", "minimum": 0},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "kind": {"type": "string", "enum": ["a", "b"], "default": "a"},
    },
}
SHOWN: Node = {
    "type": "object",
    "required": ["number", "total"],
    "properties": {
        "number": {"type": "string"},
        "total": {"type": "integer"},
        "state": {"type": "string", "enum": ["open", "paid"]},
        "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
    },
}
SMALL: Node = {
    "paths": {
        "/orders": {
            "parameters": [{"in": "query", "name": "page", "required": False, "schema": {"type": "integer"}}],
            "post": {
                "x-roles": ["member", "admin"],
                "requestBody": {"required": True, "content": {"application/json": {"schema": ORDER}}},
                "responses": {
                    "201": {
                        "headers": {"X-Sequence": {"schema": {"type": "string"}}},
                        "content": {"application/json": {"schema": SHOWN}},
                    }
                },
            },
        }
    },
    "components": {
        "schemas": {
            "Line": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
        }
    },
}
POST = ("paths", "/orders", "post")
BODY = (*POST, "requestBody", "content", "application/json", "schema")
ANSWER = (*POST, "responses", "201")
ANSWERED = (*ANSWER, "content", "application/json", "schema")
PARAMETER = ("paths", "/orders", "parameters", 0)
LINE = ("components", "schemas", "Line")


@pytest.mark.parametrize(
    ("path", "value", "reported"),
    [
        (("paths",), {}, "POST /orders: gone"),
        ((*POST, "x-roles"), ["admin"], "the role member may no longer call it"),
        ((*PARAMETER, "required"), True, "query page is required"),
        (("paths", "/orders", "parameters"), [], "query page: gone"),
        ((*PARAMETER, "schema"), {"type": "string"}, "query page: no longer takes integer"),
        ((*BODY, "required"), ["number", "total"], "body.total is required"),
        ((*BODY, "properties", "new"), {"type": "string"}, None),
        ((*BODY, "properties", "kind", "enum"), ["b"], "the value 'a' is gone"),
        ((*BODY, "properties", "kind", "enum"), ["a", "b", "c"], None),
        ((*BODY, "properties", "kind", "default"), "b", "body.kind: default is 'b'"),
        ((*BODY, "properties", "number", "enum"), ["1"], "body.number: takes only ['1']"),
        ((*BODY, "properties", "number", "maxLength"), 39, "maxLength is 39"),
        ((*BODY, "properties", "number", "maxLength"), 41, None),
        ((*BODY, "properties", "number", "minLength"), 2, "minLength is 2"),
        ((*BODY, "properties", "number", "pattern"), "^S", "pattern is '^S'"),
        ((*BODY, "properties", "total", "type"), "number", None),
        ((*BODY, "properties", "total", "type"), "string", "no longer takes integer"),
        ((*BODY, "properties", "note"), {"type": "string"}, "body.note: one of its forms is no longer taken"),
        (ANSWER, {"headers": {"X-Sequence": {}}}, "application/json is gone"),
        ((*ANSWER, "headers"), {}, "header X-Sequence is gone"),
        ((*POST, "responses"), {"200": {}}, "201: gone"),
        ((*ANSWERED, "required"), ["number"], "201.total may be missing"),
        ((*ANSWERED, "properties", "total", "type"), ["integer", "null"], "201.total: may be null"),
        ((*ANSWERED, "properties", "number"), {}, "201.number: may be anything"),
        ((*ANSWERED, "properties", "state", "enum"), ["open"], "the value 'paid' is gone"),
        ((*ANSWERED, "properties", "state", "enum"), ["open", "paid", "void"], None),
        ((*ANSWERED, "properties", "more"), {"type": "string"}, None),
        ((*ANSWERED, "properties", "state"), {"type": "string"}, "201.state: may be any value"),
        ((*LINE, "properties"), {}, "Line.text: gone"),
        ((*LINE, "description"), "Words are no promise.", None),
    ],
)
def test_a_change_that_breaks_callers_is_named_and_no_other_is(path: Any, value: Any, reported: str | None):
    changed = deepcopy(SMALL)
    at(changed, path[:-1])[path[-1]] = value

    found = breaking_changes(SMALL, changed)

    assert (found == []) if reported is None else (reported in " ".join(found)), found


def test_on_the_command_line_breaking_changes_are_listed_and_fail(tmp_path: Path, capsys):
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(json.dumps(SMALL))
    new.write_text(json.dumps({**SMALL, "paths": {}}))

    assert main([str(old), str(old)]) == 0
    assert main([str(old), str(new)]) == 1
    assert capsys.readouterr().out == "POST /orders: gone\n"

"""What an OpenAPI document takes away from those who call the service as an earlier one describes it.

`python -m tests.adapters.web.breaking_changes OLD.json NEW.json` lists it. What is new is no change that breaks: callers take
fields, values of enums and types of problems that they do not know.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.docs.pages import ROOT

Node = Mapping[str, Any]

RELEASED = ROOT / "docs" / "openapi"
CURRENT = ROOT / "docs" / "openapi.json"
_METHODS = ("get", "put", "post", "delete", "patch")
# How a limit of what may be sent becomes narrower.
_SMALLER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_LARGER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_EXACT = ("pattern", "format", "default")


def breaking_changes(old: Node, new: Node) -> list[str]:
    """One sentence each."""
    return sorted(set(_Comparison(old, new).changes()))


@dataclass
class _Comparison:
    old: Node
    new: Node
    # Pairs of schemas that are compared already, or being compared: they may refer to one another.
    _seen: set[tuple[bool, str, str]] = field(default_factory=set)

    def changes(self) -> Iterator[str]:
        for path, item in self.old["paths"].items():
            for method in (each for each in _METHODS if each in item):
                at = f"{method.upper()} {path}"
                after = self.new["paths"].get(path, {})
                if method in after:
                    yield from self._operation(at, _whole(item, method), _whole(after, method))
                else:
                    yield f"{at}: gone"

    def _operation(self, at: str, old: Node, new: Node) -> Iterator[str]:
        for role in set(old.get("x-roles", ())) - set(new.get("x-roles", ())):
            yield f"{at}: the role {role} may no longer call it"
        yield from self._parameters(at, old["parameters"], new["parameters"])
        before, after = old.get("requestBody", {}), new.get("requestBody", {})
        if after.get("required") and not before.get("required"):
            yield f"{at}: a body is required"
        if before:
            yield from self._content(f"{at}: body", before, after, sent=True)
        for status, response in old["responses"].items():
            answer = f"{at}: {status}"
            if status in new["responses"]:
                yield from self._answer(
                    answer, self._found(self.old, response), self._found(self.new, new["responses"][status])
                )
            elif status.startswith("2"):
                yield f"{answer}: gone"

    def _parameters(self, at: str, old: Sequence[Node], new: Sequence[Node]) -> Iterator[str]:
        before, after = ({(each["in"], each["name"]): each for each in side} for side in (old, new))
        for key, parameter in after.items():
            if parameter.get("required") and not before.get(key, {}).get("required"):
                yield f"{at}: {key[0]} {key[1]} is required"
        for key, parameter in before.items():
            where = f"{at}: {key[0]} {key[1]}"
            if key in after:
                yield from self._schema(where, parameter["schema"], after[key]["schema"], sent=True)
            else:
                yield f"{where}: gone"

    def _answer(self, at: str, old: Node, new: Node) -> Iterator[str]:
        yield from (
            f"{at}: header {name} is gone"
            for name in old.get("headers", {})
            if name not in new.get("headers", {})
        )
        yield from self._content(at, old, new, sent=False)

    def _content(self, at: str, old: Node, new: Node, *, sent: bool) -> Iterator[str]:
        after = new.get("content", {})
        for kind, media in old.get("content", {}).items():
            if kind in after:
                yield from self._schema(at, media.get("schema", {}), after[kind].get("schema", {}), sent=sent)
            else:
                yield f"{at}: {kind} is gone"

    def _schema(self, at: str, old: Node, new: Node, *, sent: bool) -> Iterator[str]:
        pair = (sent, old.get("$ref", ""), new.get("$ref", ""))
        if pair[1] and pair[2]:
            if pair in self._seen:
                return
            self._seen.add(pair)
            at = pair[1].rpartition("/")[2] if not sent else at
        before, after = self._flat(self.old, old), self._flat(self.new, new)
        if "anyOf" in before or "anyOf" in after:
            yield from self._choice(at, before, after, sent=sent)
            return
        yield from _values(at, before, after, sent=sent)
        if sent:
            yield from _limits(at, before, after)
        yield from self._fields(at, before, after, sent=sent)
        for part in ("items", "additionalProperties"):
            if isinstance(before.get(part), Mapping) and isinstance(after.get(part), Mapping):
                yield from self._schema(f"{at}[]", before[part], after[part], sent=sent)

    def _fields(self, at: str, before: Node, after: Node, *, sent: bool) -> Iterator[str]:
        old, new = before.get("properties", {}), after.get("properties", {})
        had_to, has_to = set(before.get("required", ())), set(after.get("required", ()))
        for name in old:
            if name in new:
                yield from self._schema(f"{at}.{name}", old[name], new[name], sent=sent)
            else:
                yield f"{at}.{name}: gone"
        if sent:
            yield from (f"{at}.{name} is required" for name in has_to - had_to)
        else:
            yield from (f"{at}.{name} may be missing" for name in (had_to - has_to) & new.keys())

    def _choice(self, at: str, before: Node, after: Node, *, sent: bool) -> Iterator[str]:
        """Whatever could be sent still can be; whatever is answered could be before."""
        old, new = before.get("anyOf", [before]), after.get("anyOf", [after])
        for one in old if sent else new:
            others = ((one, other) if sent else (other, one) for other in (new if sent else old))
            if all(list(_Comparison(self.old, self.new)._schema(at, *pair, sent=sent)) for pair in others):
                yield f"{at}: one of its forms is {'no longer taken' if sent else 'new'}"

    def _flat(self, document: Node, schema: Node) -> dict[str, Any]:
        """Without a reference, and with the parts of `allOf` put together."""
        flat = dict(self._found(document, schema))
        for part in flat.pop("allOf", ()):
            flat = _both(flat, self._flat(document, part))
        return flat

    def _found(self, document: Node, node: Node) -> Node:
        while "$ref" in node:
            found: Any = document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = {**found, **{name: value for name, value in node.items() if name != "$ref"}}
        return node


def _whole(item: Node, method: str) -> dict[str, Any]:
    """An operation, with the parameters that its path has for all of them."""
    parameters = [*item.get("parameters", ()), *item[method].get("parameters", ())]
    return {**item[method], "parameters": parameters}


def _both(one: Node, other: Node) -> dict[str, Any]:
    """What is valid by both."""
    mine, others = one.get("properties", {}), other.get("properties", {})
    shared = {name: {"allOf": [mine[name], others[name]]} for name in mine.keys() & others.keys()}
    both = {**one, **other, "required": [*one.get("required", ()), *other.get("required", ())]}
    both["properties"] = {**mine, **others, **shared}
    if (left := _enum(one)) is not None and (right := _enum(other)) is not None:
        both.pop("const", None)
        both["enum"] = [value for value in left if value in right]
    return both


def _values(at: str, before: Node, after: Node, *, sent: bool) -> Iterator[str]:
    old, new = _types(before), _types(after)
    lost = (old - new if old else set()) if sent else (new - old if old else set())
    if new or not sent:
        yield from (f"{at}: {'no longer takes' if sent else 'may be'} {each}" for each in lost)
    if not sent and old and not new:
        yield f"{at}: may be anything"
    was, has = _enum(before), _enum(after)
    if was is not None and has is not None:
        yield from (f"{at}: the value {value!r} is gone" for value in was if value not in has)
    elif has is not None and sent:
        yield f"{at}: takes only {has}"
    elif was is not None and not sent:
        yield f"{at}: may be any value"


def _types(schema: Node) -> set[str]:
    given = schema.get("type", [])
    found = {given} if isinstance(given, str) else set(given)
    # Every integer is a number.
    return found | ({"integer"} if "number" in found else set())


def _enum(schema: Node) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _limits(at: str, before: Node, after: Node) -> Iterator[str]:
    for name in _SMALLER:
        if name in after and after[name] < before.get(name, float("inf")):
            yield f"{at}: {name} is {after[name]}"
    for name in _LARGER:
        if name in after and after[name] > before.get(name, float("-inf")):
            yield f"{at}: {name} is {after[name]}"
    for name in _EXACT:
        if before.get(name) != after.get(name) and (name in after or name == "default"):
            yield f"{at}: {name} is {after.get(name)!r}"


def released() -> list[Path]:
    """The documents of releases with which this one has to be compatible."""
    version = json.loads(CURRENT.read_text())["info"]["version"]
    return sorted(RELEASED.glob(f"{version.partition('.')[0]}.*.json"))


def keep_as_released() -> None:
    """The document that is current becomes that of its release."""
    document = json.loads(CURRENT.read_text())
    path = RELEASED / f"{document['info']['version']}.json"
    path.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n")


def main(arguments: Sequence[str]) -> int:
    if arguments == ["--keep"]:
        keep_as_released()
        return 0
    found = breaking_changes(*(json.loads(Path(each).read_text()) for each in arguments))
    sys.stdout.writelines(f"{each}\n" for each in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

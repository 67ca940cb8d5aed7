"""What the service reads from Stripe's objects, noted while it reads.

Objects are handed to it as dictionaries and texts that behave as they always do, and note what is asked of them: which member,
by which function, and with what a text is compared.
"""

from __future__ import annotations

import ast
import enum
import json
import linecache
import sys
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from tests.api_version.declared import Keys
from tests.architecture.source import SRC

SERVICE = str(SRC / "stripe_bridge")
_KINDS = {bool: "boolean", int: "integer", float: "number", str: "string", list: "list", dict: "object"}
Sample = Callable[[Keys], None]


@dataclass
class Read:
    """Of one member: what was seen there, what its texts were compared with, where it is read, and what its reader refuses.

    A place is `file:line function`.
    """

    kinds: set[str] = field(default_factory=set)
    values: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=set)
    refuses: set[str] = field(default_factory=set)


@dataclass
class Record:
    """What the code in the folder `service` reads; what tests read does not count.

    `functions` are those that led to it, with their files; `samples` the objects in which a reader found a member.
    """

    service: str = SERVICE
    reads: dict[Keys, Read] = field(default_factory=dict)
    functions: set[tuple[str, str]] = field(default_factory=set)
    samples: dict[tuple[str, Keys], Mapping[str, Any]] = field(default_factory=dict)

    def note(self, keys: Keys, value: object, reader: FrameType | None) -> None:
        """`reader` is the frame that reads."""
        if reader is None or not self._is_of_service(reader.f_code):
            return
        file, function = _function_of(reader.f_code, self.service)
        found = {keys: [value]} | ({(*keys, "[]"): value} if isinstance(value, list) else {})
        for each, values in found.items():
            read = self.reads.setdefault(each, Read())
            read.kinds.update(map(_kind_of, values))
            read.places.add(f"{file}:{reader.f_lineno} {function}")
        caller: FrameType | None = reader
        while caller is not None:
            if self._is_of_service(caller.f_code):
                self.functions.add(_function_of(caller.f_code, self.service))
            caller = caller.f_back

    def compare(self, keys: Keys, other: object, frame: FrameType) -> None:
        """The frame compares a text that was read with another one."""
        if isinstance(other, str) and self._compares(keys, frame):
            self.reads[keys].values.add(str(other))

    def look_up(self, keys: Keys, frame: FrameType) -> None:
        """The frame looks up a text that was read: it is compared with all that is in the table."""
        if self._compares(keys, frame):
            self.reads[keys].values |= texts_of_table(frame)

    def _compares(self, keys: Keys, frame: FrameType) -> bool:
        is_of_enumeration = frame.f_code.co_filename == enum.__file__
        return keys in self.reads and (is_of_enumeration or self._is_of_service(frame.f_code))

    def _is_of_service(self, code: CodeType) -> bool:
        return code.co_filename.startswith(self.service)

    def to_json(self) -> str:
        reads = [
            {"keys": keys} | {name: sorted(each) for name, each in vars(read).items()}
            for keys, read in sorted(self.reads.items())
        ]
        return json.dumps({"reads": reads, "functions": sorted(self.functions)})

    @classmethod
    def from_json(cls, text: str) -> Record:
        """Without the samples."""
        known = json.loads(text)
        reads = {
            tuple(each.pop("keys")): Read(**{name: set(found) for name, found in each.items()})
            for each in known["reads"]
        }
        return cls(reads=reads, functions=set(map(tuple, known["functions"])))


def _no_sample(_: Keys) -> None:
    """Of most objects none is kept."""


class Recorded(dict[str, Any]):
    """An object, or a part of one. `sample` is told what was read of it."""

    def __init__(
        self, record: Record, read_as: Keys, members: Mapping[str, Any], sample: Sample = _no_sample
    ) -> None:
        super().__init__(
            {name: _recorded(record, (*read_as, name), each, sample) for name, each in members.items()}
        )
        self._record, self.read_as, self._sample = record, read_as, sample

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        self._note(name, value, sys._getframe(1))
        return value

    def get(self, name: str, default: Any = None) -> Any:
        if name in self.keys():
            self._note(name, super().__getitem__(name), sys._getframe(1))
        return super().get(name, default)

    def __reduce__(self) -> Any:
        return (dict, (dict(self),))

    def _note(self, name: str, value: object, reader: FrameType) -> None:
        self._record.note((*self.read_as, name), value, reader)
        self._sample((*self.read_as, name))


class RecordedText(str):
    """A text that notes what it is compared with, or looked up among, for as long as it is kept in this process."""

    _record: Record
    _keys: Keys

    def __new__(cls, text: str, record: Record, keys: Keys) -> RecordedText:
        self = super().__new__(cls, text)
        self._record, self._keys = record, keys
        return self

    def __eq__(self, other: object) -> bool:
        self._record.compare(self._keys, other, sys._getframe(1))
        return str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        self._record.compare(self._keys, other, sys._getframe(1))
        return str.__ne__(self, other)

    def __hash__(self) -> int:
        self._record.look_up(self._keys, sys._getframe(1))
        return str.__hash__(self)

    def __reduce__(self) -> Any:
        return (str, (str(self),))


def _recorded(record: Record, keys: Keys, value: Any, sample: Sample) -> Any:
    if keys == ("event", "data", "object") and isinstance(value, Mapping):
        # What it is about may be an object of any kind.
        keys = (str(value.get("object")),)
    if isinstance(value, Mapping):
        return Recorded(record, keys, value, sample)
    if isinstance(value, list):
        return [_recorded(record, (*keys, "[]"), each, sample) for each in value]
    return RecordedText(value, record, keys) if isinstance(value, str) else value


def _kind_of(value: object) -> str:
    if value is None:
        return "null"
    return next((kind for type_, kind in _KINDS.items() if isinstance(value, type_)), "object")


@cache
def _function_of(code: CodeType, service: str) -> tuple[str, str]:
    """Comprehensions and inner functions belong to the function around them."""
    file = Path(code.co_filename).relative_to(service).as_posix()
    return file, code.co_qualname.split(".<locals>")[0]


def texts_of_table(frame: FrameType) -> set[str]:
    """The texts in the set, dictionary or enumeration in which the frame is looking something up at this moment."""
    expression = _table_at(frame.f_code, frame.f_lasti)
    table = None if expression is None else eval(expression, frame.f_globals, frame.f_locals)
    return (
        {str(each) for each in table if isinstance(each, str)} if isinstance(table, Set | Mapping) else set()
    )


@cache
def _table_at(code: CodeType, instruction: int) -> CodeType | None:
    position = list(code.co_positions())[instruction // 2]
    for node in ast.walk(ast.parse("".join(linecache.getlines(code.co_filename)))):
        if not isinstance(node, ast.expr) or _position(node) != position:
            continue
        match node:
            case (
                ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[table])
                | ast.Subscript(value=table)
                | ast.Call(func=ast.Attribute(value=table, attr="get"))
            ):
                return compile(ast.Expression(table), code.co_filename, "eval")
    return None


def _position(node: ast.expr) -> tuple[int | None, ...]:
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset

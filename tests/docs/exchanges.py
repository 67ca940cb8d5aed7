"""The `http` blocks of a page: requests and their answers, in the notation that docs/api.md explains."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_BLOCK = re.compile(r"^```http ?(\w*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"\$([a-z_]+)")
_MORE = "…"


@dataclass(frozen=True)
class Message:
    first_line: str
    headers: Mapping[str, str]
    body: str

    @classmethod
    def of(cls, text: str) -> "Message":
        head, _, body = text.partition("\n\n")
        first, *headers = head.splitlines()
        return cls(first, dict(header.split(": ", 1) for header in headers), body.strip())


@dataclass(frozen=True)
class Exchange:
    request: Message
    answer: Message
    comes_eventually: bool

    @property
    def status(self) -> int:
        return int(self.answer.first_line.split()[1])


def exchanges_in(text: str) -> list[Exchange]:
    found = []
    for how, block in _BLOCK.findall(text):
        assert how in ("", "eventually"), f"```http {how} means nothing"
        request, answer = re.split(r"^(?=HTTP/1\.1)", block, flags=re.MULTILINE)
        found.append(Exchange(Message.of(request.strip()), Message.of(answer.strip()), bool(how)))
    return found


@dataclass
class Names:
    """The values to which the page has given names."""

    known: dict[str, Any] = field(default_factory=dict)

    def fill(self, text: str) -> str:
        return _NAME.sub(lambda name: str(self.known[name[1]]), text)

    def differences(self, shown: Any, got: Any, where: str) -> Iterator[str]:
        """The differences from what the page says. New names are learned."""
        match shown:
            case str() if name := _NAME.fullmatch(shown):
                if self.known.setdefault(name[1], got) != got:
                    yield f"{where} is {got!r}, and {shown} was {self.known[name[1]]!r}"
            case str() if _MORE in shown:
                pattern = ".*".join(map(re.escape, shown.split(_MORE)))
                if not isinstance(got, str) or not re.fullmatch(pattern, got, flags=re.DOTALL):
                    yield f"{where} is {got!r}, not {shown!r}"
            case dict() if isinstance(got, dict):
                yield from self._of_fields(shown, got, where)
            case list() if isinstance(got, list):
                yield from self._of_items(shown, got, where)
            case _ if type(shown) is not type(got) or shown != got:
                yield f"{where} is {got!r}, not {shown!r}"

    def _of_fields(self, shown: Mapping[str, Any], got: Mapping[str, Any], where: str) -> Iterator[str]:
        names = shown.keys() - {_MORE}
        yield from (f"{where}.{name} is missing" for name in names - got.keys())
        if _MORE not in shown:
            yield from (f"{where}.{name} is not told of" for name in got.keys() - names)
        for name in names & got.keys():
            yield from self.differences(shown[name], got[name], f"{where}.{name}")

    def _of_items(self, shown: list[Any], got: list[Any], where: str) -> Iterator[str]:
        if _MORE in shown:
            rest = iter(got)
            for item in shown:
                if item != _MORE and not any(not list(self.differences(item, one, where)) for one in rest):
                    yield f"{where} has no {json.dumps(item)}"
        elif len(shown) != len(got):
            yield f"{where} has {len(got)} items, not {len(shown)}"
        else:
            for number, (one, other) in enumerate(zip(shown, got, strict=True)):
                yield from self.differences(one, other, f"{where}[{number}]")

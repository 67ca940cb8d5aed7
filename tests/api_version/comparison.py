"""What would break if the service ran with another release of the `stripe` package, whose API version it would then use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.api_version.declared import Keys, Package, Shape
from tests.api_version.recording import Read


@dataclass(frozen=True)
class Break:
    keys: Keys
    reason: str
    places: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(
            [f"{shown(self.keys)}: {self.reason}", *(f"    read in {place}" for place in self._functions())]
        )

    def _functions(self) -> list[str]:
        """The first place in each function."""
        first: dict[tuple[str, str], int] = {}
        for place in self.places:
            at, _, function = place.partition(" ")
            file, _, line = at.partition(":")
            first[file, function] = min(int(line), first.get((file, function), int(line)))
        return [f"{file}:{line} {function}" for (file, function), line in sorted(first.items())]


def shown(keys: Keys) -> str:
    return ".".join(keys).replace(".[]", "[]")


def breaks(reads: Mapping[Keys, Read], present: Package, candidate: Package) -> list[Break]:
    """Compared with what was read is what the candidate says. `present` only tells what in it is new: what may be null or
    another value by now. The service may know that this never happens to its own objects, as it does of `invoice.customer`.
    """
    found = list(_gone(reads, candidate))
    for keys, read in sorted(reads.items()):
        declared = candidate.shape(keys)
        if declared is None:
            continue
        before = present.shape(keys) or declared
        reasons = (*_of_kinds(read, before, declared), *_of_values(keys, read, before, declared))
        found += [Break(keys, reason, tuple(sorted(read.places))) for reason in reasons]
    return sorted(found, key=lambda each: each.keys)


def _gone(reads: Mapping[Keys, Read], candidate: Package) -> Iterator[Break]:
    """Each with all that would be in it."""
    gone: dict[Keys, set[Keys]] = {}
    for keys in reads:
        known = next(
            length for length in range(len(keys), -1, -1) if not length or candidate.shape(keys[:length])
        )
        if known < len(keys):
            gone.setdefault(keys[: known + 1], set()).add(keys)
    for keys, inside in gone.items():
        others = len(inside - {keys})
        reason = "gone" if len(keys) > 1 else "there is no such object"
        places = (
            reads[keys].places
            if keys in reads
            else {place for each in inside for place in reads[each].places}
        )
        yield Break(
            keys, f"{reason}, and {others} more below it" if others else reason, tuple(sorted(places))
        )


def _of_kinds(read: Read, before: Shape, declared: Shape) -> Iterator[str]:
    if declared.unread is not None:
        yield f"is declared as {declared.unread}, which is not understood here"
        return
    was = read.kinds - {"null"}
    if not was <= declared.kinds:
        yield f"was {_any_of(was)}, would be {_any_of(declared.kinds)}"
    if declared.is_free:
        return
    new = declared.kinds - before.kinds - read.kinds
    if "null" in new and "null" in read.refuses:
        yield "may be null, which is refused"
    # An object in place of its id comes only if it is asked for.
    others = new - {"null"} - ({"object"} if "string" in declared.kinds else set())
    if others and was <= declared.kinds:
        yield f"may be {_any_of(others)}, and only {_any_of(was)} was ever read"


def _of_values(keys: Keys, read: Read, before: Shape, declared: Shape) -> Iterator[str]:
    # What kind of object it is was settled before.
    if keys[-1] == "object" or declared.values is None:
        return
    gone = read.values - declared.values if before.values is not None else frozenset()
    new = declared.values - (before.values or frozenset()) - read.values
    if gone:
        yield f"is compared with what it can never be: {', '.join(sorted(gone))}"
    if new and "new values" in read.refuses:
        yield f"has new values, which are refused: {', '.join(sorted(new))}"


def _any_of(kinds: frozenset[str] | set[str]) -> str:
    return " or ".join(sorted(kinds))

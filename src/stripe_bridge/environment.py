"""Environment variables: read, parsed, and every fault collected. A parser raises ValueError saying what is required."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

Parse = Callable[[str], object]
_DAY = 86_400
# Headers allow no other characters, and text copied from a page may contain some.
_VISIBLE = re.compile("[!-~]+")


class Environment:
    """Collects faults instead of stopping at the first. A blank variable counts as missing.

    `former_names` has, by a variable's present name, the one that is still accepted. `deprecated` lists the former names
    that are set.
    """

    def __init__(self, environ: Mapping[str, str], former_names: Mapping[str, str] | None = None) -> None:
        self._environ = environ
        self._former_names = former_names or {}
        self.faults: list[str] = []
        self.deprecated = {
            former: name for name, former in self._former_names.items() if environ.get(former, "").strip()
        }

    def required(self, name: str, parse: Parse, *, what: str) -> object:
        """`what` says what it is and where to get it."""
        name, text = self._find(name)
        if not text:
            self.faults.append(f"{name} is missing: {what}")
            return None
        return self._parsed(name, text, parse)

    def optional(self, name: str, default: object, parse: Parse) -> object:
        name, text = self._find(name)
        return self._parsed(name, text, parse) if text else default

    def all_or_none(self, *names: str) -> None:
        """Settings that are only valid together."""
        missing = [name for name in names if not self._find(name)[1]]
        if missing and len(missing) < len(names):
            self.faults.append(f"{', '.join(missing)} missing: {', '.join(names)} must be set together")

    def _find(self, name: str) -> tuple[str, str]:
        """The name under which the variable is set, and its value. Its present name takes precedence."""
        former = self._former_names.get(name, name)
        if not self._environ.get(name, "").strip():
            name = former if former in self.deprecated else name
        return name, self._environ.get(name, "").strip()

    def _parsed(self, name: str, text: str, parse: Parse) -> object:
        try:
            return parse(text)
        except ValueError as error:
            self.faults.append(f"{name} {error}")
            return None


def url(text: str) -> str:
    if not _is_url(text):
        raise ValueError("must be an http or https URL")
    return text


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        # Python checks the port only when it is read.
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def base_url(text: str) -> str:
    return url(text).rstrip("/")


def starting_with(*prefixes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not text.startswith(prefixes) or not _VISIBLE.fullmatch(text):
            begins = " or ".join(prefixes)
            raise ValueError(f"must begin with {begins}, and contain only visible ASCII characters")
        return text

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError("must be one of " + ", ".join(choices))
        return text

    return parse


def listed(text: str) -> tuple[str, ...]:
    return tuple(part for part in (part.strip() for part in text.split(",")) if part)


def between(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return parse


def seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < _DAY:
        raise ValueError("must be a number of seconds greater than 0")
    return number

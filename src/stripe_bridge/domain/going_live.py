"""What is checked before a service goes live, and how each check came out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    OK = "ok"
    # It may be as it should be: somebody has to look, or to decide.
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """`remedy` is what to do, unless it came out well."""

    outcome: Outcome
    subject: str
    what: str
    remedy: str = ""

    @classmethod
    def ok(cls, subject: str, what: str) -> Check:
        return cls(Outcome.OK, subject, what)

    @classmethod
    def warn(cls, subject: str, what: str, remedy: str) -> Check:
        return cls(Outcome.WARN, subject, what, remedy)

    @classmethod
    def fail(cls, subject: str, what: str, remedy: str) -> Check:
        return cls(Outcome.FAIL, subject, what, remedy)

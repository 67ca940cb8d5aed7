"""Change log: who changed what, one change with its differences, and whether the log is in order."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from marshmallow import fields
from marshmallow.validate import OneOf

from stripe_bridge.adapters.console.formats import actor_name, shown_value, words
from stripe_bridge.adapters.console.links import page_of
from stripe_bridge.adapters.console.rendering import done, render
from stripe_bridge.adapters.console.routes import Scope, Section, Visit, page
from stripe_bridge.adapters.web.schemas.fields import MAX_ID, QueryNumber, RequestSchema
from stripe_bridge.domain.access import Permission
from stripe_bridge.domain.changes.change import NO_TENANT, ChangeType
from stripe_bridge.domain.changes.verification import StoredEntry
from stripe_bridge.domain.errors.base import ChangeNotFound
from stripe_bridge.domain.paging import DEFAULT_PER_PAGE
from stripe_bridge.use_cases.changes.feed import types_matching
from stripe_bridge.use_cases.changes.verify import LogReport

_TYPES = [each.value for each in ChangeType]
_GROUPS = sorted({f"{each.value.partition('.')[0]}.*" for each in ChangeType})
_NAMED = 5
# A type that is rare is looked for in so many changes at a time.
_EXAMINED = 20_000
# Longer ones are for the command line: somebody is waiting for the page.
_VERIFIED_HERE = 20_000


class _Matching(RequestSchema):
    type = fields.String(load_default=None, validate=OneOf([*_GROUPS, *_TYPES]))
    order = QueryNumber(low=1, high=MAX_ID, load_default=None)
    before = QueryNumber(low=1, high=MAX_ID, load_default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """An entry as a person reads it. Of a damaged one there is only the number."""

    sequence: int
    is_readable: bool = False
    type: str = ""
    occurred_at: datetime | None = None
    subject: str = ""
    subject_page: str | None = None
    by: str = ""
    cause: Mapping[str, Any] = field(default_factory=dict)
    sales_order_id: int | None = None
    integration_id: int | None = None
    changed: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    object: Mapping[str, Any] | None = None
    id: str = ""
    hash: str = ""

    @property
    def summary(self) -> str:
        """The fields that changed, as far as there is room for them."""
        if self.type.endswith(".created"):
            return "new"
        names, rest = list(self.changed)[:_NAMED], len(self.changed) - _NAMED
        return words(", ".join(names)) + (f" and {rest} more" if rest > 0 else "")


@page("GET", "/changes", permission=Permission.READ, scope=Scope.ALL_TENANTS)
def list_changes(visit: Visit) -> Any:
    query = visit.query(_Matching)
    log = visit.bridge.changes.show_status(_log_of(visit))
    types = _types(visit, query["type"])
    end = 0 if log.head is None else log.head.sequence
    before = min(query["before"] or end + 1, end + 1)
    # An order's are found by an index.
    after = 0 if types is None or query["order"] else max(0, before - 1 - _EXAMINED)
    found = visit.bridge.changes.list(
        _log_of(visit),
        DEFAULT_PER_PAGE + 1,
        before=before,
        after=after,
        types=types,
        sales_order_id=query["order"],
    )
    rows = [_row(entry) for entry in found[:DEFAULT_PER_PAGE]]
    is_full = len(found) > DEFAULT_PER_PAGE
    rest = rows[-1].sequence if is_full else after + 1
    return render(
        "changes/list.html",
        rows=rows,
        more={"before": rest} if is_full or after else None,
        examined=(after + 1, before - 1) if after and not is_full else None,
        query=query,
        choices=_choices(visit),
        options=_options(visit),
        log=log,
    )


@page("GET", "/changes/<id:sequence>", permission=Permission.READ, scope=Scope.ALL_TENANTS)
def show_change(visit: Visit, sequence: int) -> Any:
    """Raises ChangeNotFound, also for an act that is not for everybody's eyes."""
    stored = visit.bridge.changes.show(_log_of(visit), sequence)
    log = visit.bridge.changes.show_status(_log_of(visit))
    row = _row(stored)
    if not visit.may(Permission.READ_ACTS) and any(map(_is_act, (stored.type, row.type))):
        raise ChangeNotFound
    recorded = row.object
    currency = None if recorded is None else recorded.get("currency")
    return render(
        "changes/show.html",
        row=row,
        is_last=log.head is None or log.head.sequence <= sequence,
        object=None if recorded is None else json.dumps(recorded, indent=2, ensure_ascii=False),
        options=_options(visit),
        shown=lambda name, value: shown_value(name, value, currency),
    )


@page("GET", "/changes/verify", permission=Permission.READ_ACTS, scope=Scope.ALL_TENANTS)
def confirm_verifying_changes(visit: Visit) -> Any:
    status = visit.bridge.changes.show_status(_log_of(visit))
    entries = 0 if status.head is None else status.head.sequence
    return render(
        "changes/verify.html",
        log=status,
        entries=entries,
        is_too_long=entries > _VERIFIED_HERE,
        options=_options(visit),
    )


@page("POST", "/changes/verify", permission=Permission.READ_ACTS, scope=Scope.ALL_TENANTS, limit="6/minute")
def verify_changes(visit: Visit) -> Any:
    """It reads, and changes nothing."""
    status = visit.bridge.changes.show_status(_log_of(visit))
    if status.head is not None and status.head.sequence > _VERIFIED_HERE:
        return done("This log is too long to be verified here: use the command.", "/changes/verify")
    (report,) = visit.bridge.changes.verify(_log_of(visit))
    return done(_outcome(report), "/changes/verify")


CHANGES = Section("Change log", (list_changes, confirm_verifying_changes, verify_changes, show_change))


def _log_of(visit: Visit) -> str:
    """An operator who has not chosen a tenant sees what belongs to none."""
    return NO_TENANT if visit.tenant_id is None else visit.tenant_id


def _options(visit: Visit) -> str:
    return "--service" if visit.tenant_id is None else shlex.join(["--tenant", visit.tenant_id])


def _choices(visit: Visit) -> list[str]:
    seen = [each.value for each in ChangeType if visit.may(Permission.READ_ACTS) or not each.is_act]
    return [*sorted({f"{each.partition('.')[0]}.*" for each in seen}), *seen]


def _types(visit: Visit, pattern: str | None) -> frozenset[ChangeType] | None:
    """Those that are asked for, as far as the visitor may see them."""
    wanted = frozenset(ChangeType) if pattern is None else types_matching([pattern])[pattern]
    if visit.may(Permission.READ_ACTS):
        return None if pattern is None else wanted
    return frozenset(each for each in wanted if not each.is_act)


def _is_act(type_: str) -> bool:
    """Of a type that is none, since somebody has changed it, everything is kept back."""
    return type_ not in _TYPES or ChangeType(type_).is_act


def _row(entry: StoredEntry) -> _Row:
    try:
        return _read(entry.sequence, entry.shown())
    except (ValueError, TypeError, KeyError, AttributeError):
        return _Row(sequence=entry.sequence)


def _read(sequence: int, shown: Mapping[str, Any]) -> _Row:
    """Raises whatever comes of an entry that somebody has tampered with."""
    subject, actor, object_ = shown["subject"], shown["actor"], shown["object"]
    return _Row(
        sequence=sequence,
        is_readable=True,
        type=str(shown["type"]),
        occurred_at=datetime.fromisoformat(shown["occurred_at"]),
        subject=_joined(words(subject["type"]), subject["id"]),
        subject_page=page_of(subject["type"], subject["id"]),
        by=actor_name(actor),
        cause=dict(shown["cause"]),
        sales_order_id=_number(shown["sales_order_id"]),
        integration_id=_number(shown["integration_instance_id"]),
        changed={name: (before, after) for name, (before, after) in shown["changed"].items()},
        object=None if object_ is None else dict(object_),
        id=shown["id"],
        hash=shown["hash"],
    )


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def _joined(*parts: Any) -> str:
    return " ".join(str(part) for part in parts if part is not None)


def _outcome(report: LogReport) -> str:
    if report.faults:
        first = report.faults[0]
        where = "" if first.sequence is None else f" {first.sequence}"
        return f"Not in order: {first.kind}{where}: {first.what}"
    position = report.position
    return (
        f"In order: {report.entries:,} changes, {report.objects:,} objects compared. "
        f"Last number and hash: {position.sequence} {position.hash}"
    )

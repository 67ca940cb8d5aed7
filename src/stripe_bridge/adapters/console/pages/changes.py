"""Change log: who changed what, one change with its differences, and whether the log is in order."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from marshmallow import fields
from marshmallow.validate import OneOf

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
# Longer ones are for the command line: somebody is waiting for the page.
_VERIFIED_HERE = 20_000


class _Matching(RequestSchema):
    type = fields.String(load_default=None, validate=OneOf([*_GROUPS, *_TYPES]))
    order = QueryNumber(low=1, high=MAX_ID, load_default=None)
    before = QueryNumber(low=1, high=MAX_ID, load_default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """An entry as a person reads it. A damaged one has nothing but its number."""

    sequence: int
    type: str = ""
    occurred_at: str = ""
    subject: str = ""
    by: str = ""
    sales_order_id: int | None = None
    changed: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    entry: Mapping[str, Any] | None = None


@page("GET", "/changes", permission=Permission.READ, scope=Scope.ALL_TENANTS)
def list_changes(visit: Visit) -> Any:
    query = visit.query(_Matching)
    found = visit.bridge.changes.list(
        _log_of(visit),
        DEFAULT_PER_PAGE + 1,
        before=query["before"],
        types=_types(visit, query["type"]),
        sales_order_id=query["order"],
    )
    rows = [_row(entry) for entry in found[:DEFAULT_PER_PAGE]]
    return render(
        "changes/list.html",
        rows=rows,
        more={"before": rows[-1].sequence} if len(found) > DEFAULT_PER_PAGE else None,
        query=query,
        choices=_choices(visit),
        options=_options(visit),
        log=visit.bridge.changes.show_status(_log_of(visit)),
    )


@page("GET", "/changes/<id:sequence>", permission=Permission.READ, scope=Scope.ALL_TENANTS)
def show_change(visit: Visit, sequence: int) -> Any:
    """Raises ChangeNotFound, also for an act that is not for everybody's eyes."""
    stored = visit.bridge.changes.show(_log_of(visit), sequence)
    row = _row(stored)
    if not visit.may(Permission.READ_ACTS) and any(map(_is_act, (stored.type, row.type))):
        raise ChangeNotFound
    object_ = None if row.entry is None else row.entry["object"]
    return render(
        "changes/show.html",
        row=row,
        object=None if object_ is None else json.dumps(object_, indent=2, ensure_ascii=False),
        options=_options(visit),
        shown=_shown_value,
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
    return "--service" if visit.tenant_id is None else f"--tenant {visit.tenant_id}"


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
        shown: Any = entry.shown()
        subject, actor = shown["subject"], shown["actor"]
        return _Row(
            sequence=entry.sequence,
            type=shown["type"],
            occurred_at=shown["occurred_at"],
            subject=_joined(subject["type"], subject["id"]),
            by=_joined(actor["type"], actor["id"]),
            sales_order_id=shown["sales_order_id"],
            changed=shown["changed"],
            entry=shown,
        )
    except (ValueError, TypeError, KeyError):
        return _Row(sequence=entry.sequence)


def _joined(*parts: Any) -> str:
    return " ".join(str(part).replace("_", " ") for part in parts if part is not None)


def _shown_value(value: Any) -> str:
    if value is None:
        return "\N{EN DASH}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


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

"""Overview: how it goes, what is waiting, and what the doctor says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from marshmallow import fields
from marshmallow.validate import OneOf

from stripe_bridge.adapters.console.charts import HEIGHT, WIDTH, bars_of
from stripe_bridge.adapters.console.formats import money, number
from stripe_bridge.adapters.console.rendering import done, render
from stripe_bridge.adapters.console.routes import Scope, Section, Visit, page
from stripe_bridge.adapters.web.schemas.fields import MAX_ID, QueryNumber, RequestSchema
from stripe_bridge.domain.access import Permission
from stripe_bridge.domain.finding import Finding, Fix
from stripe_bridge.domain.hourly_sums import Measure, Period, Series

_NAMES = {
    Measure.WEBHOOKS: "Webhooks received",
    Measure.APPLIED: "Events applied",
    Measure.SENT: "Invoices sent",
    Measure.MONEY_IN: "Money in",
    Measure.REFUNDED: "Refunded",
}
# It gives up every stored secret: nothing for a button.
_FIXES = frozenset(Fix) - {Fix.DISCARD_SECRETS}
# With more accounts the doctor is only asked when somebody wants it.
_QUICKLY_ASKED = 10
# It asks Stripe about each account.
_DOCTOR_LIMIT = "20/minute"


class _Shown(RequestSchema):
    period = fields.String(load_default=Period.DAY.value, validate=OneOf([period.value for period in Period]))


class _ChosenFix(RequestSchema):
    fix = fields.String(required=True, validate=OneOf([fix.value for fix in sorted(_FIXES)]))
    integration_id = QueryNumber(low=1, high=MAX_ID, load_default=None)


@page("GET", "/overview", permission=Permission.READ, scope=Scope.ALL_TENANTS)
def show_overview(visit: Visit) -> Any:
    period = Period(visit.query(_Shown)["period"])
    overview = visit.bridge.operations.show_overview(visit.tenant_id, period)
    return render(
        "overview/show.html",
        overview=overview,
        periods=list(Period),
        figures=[_figure(each) for each in overview.series],
        waiting=[
            ("Webhooks that are not applied yet", _number_of(overview.events), overview.events.oldest_at),
            (
                "Calls to Stripe that are not settled",
                _number_of(overview.intents),
                overview.intents.oldest_at,
            ),
            (
                "Changes that subscribers do not have yet",
                overview.subscribers.behind,
                overview.subscribers.oldest_at,
            ),
        ],
        is_doctor_quick=overview.accounts <= _QUICKLY_ASKED,
        failed=overview.events.by_status.get("failed", 0),
        size=(WIDTH, HEIGHT),
        part_name=lambda begin: _part_name(begin, period),
    )


@page(
    "GET",
    "/overview/doctor",
    permission=Permission.OPERATE,
    scope=Scope.ALL_TENANTS,
    limit=_DOCTOR_LIMIT,
)
def ask_doctor(visit: Visit) -> Any:
    findings = visit.bridge.operations.diagnose()
    return render("overview/doctor.html", findings=findings, can_be_fixed=_can_be_fixed)


@page("GET", "/overview/fix", permission=Permission.OPERATE, scope=Scope.ALL_TENANTS)
def confirm_fix(visit: Visit) -> Any:
    chosen = visit.query(_ChosenFix)
    return render("overview/fix.html", chosen=chosen)


@page(
    "POST",
    "/overview/fix",
    permission=Permission.OPERATE,
    scope=Scope.ALL_TENANTS,
    limit=_DOCTOR_LIMIT,
    counts_as="ask_doctor",
)
def apply_fix(visit: Visit) -> Any:
    """Only what the doctor still finds is fixed."""
    chosen = visit.form(_ChosenFix)
    wanted = Fix(chosen["fix"]), chosen["integration_id"]
    findings = [
        each for each in visit.bridge.operations.diagnose() if (each.fix, each.integration_id) == wanted
    ]
    said = list(visit.bridge.operations.apply_fixes(findings))
    return done("; ".join(said) or "The doctor no longer finds that.", "/overview/doctor")


OVERVIEW = Section("Overview", (show_overview, ask_doctor, confirm_fix, apply_fix))


def _can_be_fixed(finding: Finding) -> bool:
    return finding.fix in _FIXES


def _number_of(depth: Any) -> int:
    return sum(number for state, number in depth.by_status.items() if state != "failed")


def _figure(series: Series) -> dict[str, Any]:
    shown = _shown_as(series)
    return {
        "name": _NAMES[series.measure] + (f", {series.currency}" if series.currency else ""),
        "id": f"{series.measure.value}-{series.currency.lower()}".rstrip("-"),
        "this_hour": shown(series.this_hour),
        "last_day": shown(series.last_day),
        "last_month": shown(series.last_month),
        "bars": bars_of(series.numbers),
        "numbers": [shown(each) for each in series.numbers],
        "highest": shown(_highest(series.numbers)),
        "is_empty": not any(series.numbers),
    }


def _shown_as(series: Series) -> Any:
    return (lambda amount: money(amount, series.currency)) if series.measure.is_money else number


def _highest(numbers: Sequence[int]) -> int:
    return max(numbers, default=0)


def _part_name(begin: datetime, period: Period) -> str:
    return f"{begin:%H:%M}" if period is Period.DAY else f"{begin:%b %d}"

"""`flask reconcile`."""

from __future__ import annotations

from functools import partial

import click
from flask.cli import with_appcontext

from stripe_bridge.adapters.cli.group import SingleCommand, as_json
from stripe_bridge.adapters.cli.options import IDENTIFIER
from stripe_bridge.adapters.cli.output import Row, show_rows
from stripe_bridge.adapters.cli.tools import tools
from stripe_bridge.domain.reconciliation import Drift, ReconcileReport


@click.command(cls=SingleCommand)
@click.option("--integration", "integration_id", type=IDENTIFIER, help="Only this one.")
@as_json
@with_appcontext
def reconcile(integration_id: int | None, as_json: bool) -> None:
    """Compare connected accounts with Stripe, heal what differs, and tell by cause how much there was.

    Workers do it by themselves every RECONCILE_SECONDS. This looks at everything at once: events since the last complete
    run, and each invoice, refund and dispute that is not settled. What webhooks missed is stored here and applied by
    workers. Exit code 1: something could not be reconciled; run it again.

    \b
    Examples:
      flask reconcile
      flask reconcile --integration 7 --json
    """
    bridge = tools().bridge
    chosen = bridge.list_reconcilable() if integration_id is None else [integration_id]
    reports = [bridge.reconcile_integration(each, tell=partial(_tell, each)) for each in chosen]
    rows = [_row(report) for report in reports]
    show_rows(rows, as_json=as_json, when_empty="No integration is connected.", columns=_COLUMNS)
    if not all(report.is_complete for report in reports):
        raise click.exceptions.Exit(1)


def _tell(integration_id: int, line: str) -> None:
    """Progress, apart from the result."""
    click.echo(f"integration {integration_id}: {line}", err=True)


def _row(report: ReconcileReport) -> Row:
    return {
        "integration_id": report.integration_id,
        "account_id": report.account_id,
        "since": report.since,
        "started_at": report.started_at,
        "events": report.events,
        "objects": report.objects,
        **{cause.value: report.drift.get(cause, 0) for cause in Drift},
        "beyond_horizon": report.beyond_horizon,
        "disconnected": report.disconnected,
        "faults": list(report.faults),
    }


_COLUMNS = (
    "integration_id",
    "events",
    "objects",
    *(cause.value for cause in Drift),
    "beyond_horizon",
    "disconnected",
    "faults",
)

"""`stripe-bridge reconcile`."""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial

import click

from stripe_bridge.adapters.cli.context import context
from stripe_bridge.adapters.cli.group import SingleCommand, as_json, quietly
from stripe_bridge.adapters.cli.options import IDENTIFIER, DateTime
from stripe_bridge.adapters.cli.output import Row, show_rows
from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.reconciliation import Drift, ReconcileReport
from stripe_bridge.use_cases.reconciliation.recover import Recovery

_log = logging.getLogger(__name__)


@click.command(cls=SingleCommand)
@click.option("--integration", "integration_id", type=IDENTIFIER, help="Only this integration.")
@click.option(
    "--since",
    type=DateTime(),
    help="After a restore: take in what was created at Stripe since this date, which must be before the backup was made.",
)
@click.option(
    "--adopt-unsigned",
    is_flag=True,
    help="With --since: also take in invoices from a release that did not sign metadata yet.",
)
@as_json
@quietly
def reconcile(
    integration_id: int | None, since: datetime | None, adopt_unsigned: bool, as_json: bool
) -> None:
    """Compare connected accounts with Stripe, correct differences, and report their number by cause.

    Workers do this automatically every RECONCILE_SECONDS. This command checks everything at once: events since the last
    complete run, and each invoice, refund and dispute that is not settled. Events that webhooks missed are stored here
    and applied by workers. Exit code 1: something could not be reconciled; run it again.

    After a restore, --since DATE also finds the invoices and refunds that the database has lost, and stores them under
    the ids that they had. Once an account has been taken in completely, the sends that were held because of it resume.

    \b
    Examples:
      stripe-bridge reconcile
      stripe-bridge reconcile --since 2026-11-01
      stripe-bridge reconcile --integration 7 --json
    """
    if adopt_unsigned and since is None:
        raise click.UsageError("--adopt-unsigned needs --since.")
    recovery = None if since is None else Recovery(since, adopt_unsigned=adopt_unsigned)
    reconciliation = context().bridge.reconciliation
    if integration_id is None:
        rows = [_reconciled_or_failed(each, recovery) for each in reconciliation.list_connected()]
        if recovery is not None and rows and not any(row["faults"] or row["disconnected"] for row in rows):
            reconciliation.end_recovery()
    else:
        rows = [_reconciled(integration_id, recovery)]
    show_rows(rows, as_json=as_json, when_empty="No integration is connected.", columns=_COLUMNS)
    if any(row["faults"] for row in rows):
        raise click.exceptions.Exit(1)


def _reconciled(integration_id: int, recovery: Recovery | None) -> Row:
    report = context().bridge.reconciliation.reconcile(
        integration_id, recovery=recovery, report_progress=partial(_report_progress, integration_id)
    )
    return _row(report)


def _reconciled_or_failed(integration_id: int, recovery: Recovery | None) -> Row:
    """A failure of one does not keep the others from being reconciled."""
    try:
        return _reconciled(integration_id, recovery)
    except Exception as error:
        fault = error.message if isinstance(error, BridgeError) else f"{type(error).__name__}, see the logs"
        if not isinstance(error, BridgeError):
            _log.exception("reconcile failed", extra={"integration_id": integration_id})
        nothing = dict.fromkeys(("account_id", "since", "started_at"))
        counts = dict.fromkeys(("events", "objects", *(cause.value for cause in Drift)), 0)
        known = {"beyond_horizon": False, "disconnected": False, "faults": [fault]}
        return {"integration_id": integration_id, **nothing, **counts, **known}


def _report_progress(integration_id: int, line: str) -> None:
    """Show progress, on stderr to keep it out of the result."""
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

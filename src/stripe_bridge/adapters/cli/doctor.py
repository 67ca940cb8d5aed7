"""`flask doctor`."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from stripe_bridge.adapters.cli.group import SingleCommand, as_json
from stripe_bridge.adapters.cli.output import Row, show_json, show_rows
from stripe_bridge.adapters.cli.tools import tools
from stripe_bridge.domain.finding import Finding, Severity


@click.command(cls=SingleCommand)
@click.option("--fix", is_flag=True, help="Do what can be done about it, and say so.")
@as_json
@with_appcontext
def doctor(fix: bool, as_json: bool) -> None:
    """Look for what is wrong or about to be: each finding with what to do about it.

    It looks at the database and the queue, at the endpoints at Stripe, at each connected account (whether its events get
    through, when it was last reconciled, whether its secrets can be opened), at events that failed or wait, at calls to
    Stripe that hang or were refused and matter still, and at accounts that were left with money in flight.
    Exit code 0: nothing was found but what is only to be noted; 1: something was, or was before it was fixed.

    \b
    Examples:
      flask doctor
      flask doctor --fix
      flask doctor --json
    """
    bridge = tools().bridge
    findings = bridge.examine_service()
    done = list(bridge.mend_findings(findings)) if fix else []
    rows = [_row(finding) for finding in findings]
    if as_json:
        show_json({"findings": rows, "fixed": done})
    else:
        show_rows(rows, as_json=False, when_empty="All is well.", columns=_COLUMNS)
        for line in done:
            click.echo(f"Fix: {line}")
    if any(finding.severity is not Severity.NOTE for finding in findings):
        raise click.exceptions.Exit(1)


def _row(finding: Finding) -> Row:
    return {
        "severity": finding.severity.value,
        "subject": finding.subject,
        "what": finding.what,
        "remedy": finding.remedy,
        "fix": None if finding.fix is None else finding.fix.value,
        "integration_id": finding.integration_id,
    }


_COLUMNS = ("severity", "subject", "what", "remedy")

"""`stripe-bridge doctor`."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from stripe_bridge.adapters.cli.context import context
from stripe_bridge.adapters.cli.group import SingleCommand, as_json, quietly
from stripe_bridge.adapters.cli.output import Row, show_json, show_rows
from stripe_bridge.domain.finding import Finding, Severity


@click.command(cls=SingleCommand)
@click.option("--fix", is_flag=True, help="Fix what needs no decision, and say what was done.")
@click.option(
    "--discard-secrets",
    is_flag=True,
    help="With --fix: if no key opens the stored secrets, give them up and create new endpoints.",
)
@as_json
@with_appcontext
@quietly
def doctor(fix: bool, discard_secrets: bool, as_json: bool) -> None:
    """Find what is wrong or about to go wrong, and say what to do about it.

    It checks the database and the queue, the endpoints at Stripe, each connected account (whether its events get through,
    when it was last reconciled, whether its secrets can be opened), events that failed or are waiting, calls to Stripe
    that are stuck or whose refusal still matters, accounts that were disconnected with money in flight, and a part of the
    change logs each time.
    If ENCRYPTION_KEYS is not the key that the stored secrets are encrypted with, --fix replaces none of them unless you add
    --discard-secrets: put the key back instead, unless it is gone for good.
    Exit code 0: nothing was found, or only notes. Exit code 1: something was found, even if it was then fixed.

    \b
    Examples:
      stripe-bridge doctor
      stripe-bridge doctor --fix
      stripe-bridge doctor --json
    """
    if discard_secrets and not fix:
        raise click.UsageError("--discard-secrets needs --fix.")
    bridge = context().bridge
    findings = bridge.operations.diagnose()
    fixed = list(bridge.operations.apply_fixes(findings, discard_secrets=discard_secrets)) if fix else []
    rows = [row_of(finding) for finding in findings]
    if as_json:
        show_json({"findings": rows, "fixed": fixed})
    else:
        show_rows(rows, as_json=False, when_empty="All is well.", columns=_COLUMNS)
        for line in fixed:
            click.echo(f"Fix: {line}")
    if any(finding.severity is not Severity.NOTE for finding in findings):
        raise click.exceptions.Exit(1)


def row_of(finding: Finding) -> Row:
    return {
        "severity": finding.severity.value,
        "subject": finding.subject,
        "what": finding.what,
        "remedy": finding.remedy,
        "fix": None if finding.fix is None else finding.fix.value,
        "integration_id": finding.integration_id,
    }


_COLUMNS = ("severity", "subject", "what", "remedy")

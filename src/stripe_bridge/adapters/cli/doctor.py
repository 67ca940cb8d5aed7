"""`stripe-bridge doctor`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import click

from stripe_bridge.adapters.cli.context import context
from stripe_bridge.adapters.cli.group import SingleCommand, as_json, quietly
from stripe_bridge.adapters.cli.output import Row, show_json, show_rows
from stripe_bridge.domain.finding import Finding, Severity
from stripe_bridge.domain.going_live import Outcome
from stripe_bridge.use_cases.operations.going_live_here import Evidence


@click.command(cls=SingleCommand)
@click.option("--fix", is_flag=True, help="Fix what needs no decision, and say what was done.")
@click.option(
    "--discard-secrets",
    is_flag=True,
    help="With --fix: if no key opens the stored secrets, give them up and create new endpoints.",
)
@click.option(
    "--before-going-live",
    is_flag=True,
    help="Check the setup instead, one line per check. Changes nothing, here or at Stripe.",
)
@click.option(
    "--kept-keys",
    type=click.File(),
    metavar="FILE",
    help="With --before-going-live: a file with the encryption keys that you keep elsewhere; - reads standard input.",
)
@click.option(
    "--backups",
    type=click.Path(exists=True, path_type=Path),
    metavar="FOLDER",
    help="With --before-going-live: where the newest backup is, a folder or a file.",
)
@as_json
@quietly
def doctor(
    fix: bool,
    discard_secrets: bool,
    before_going_live: bool,
    kept_keys: TextIO | None,
    backups: Path | None,
    as_json: bool,
) -> None:
    """Find what is wrong or about to go wrong, and say what to do about it.

    It checks the database and the queue, the endpoints at Stripe, each connected account (whether its events get through,
    when it was last reconciled, whether its secrets can be opened), events that failed or are waiting, calls to Stripe
    that are stuck or whose refusal still matters, accounts that were disconnected with money in flight, and a part of the
    change logs each time.
    If ENCRYPTION_KEYS is not the key that the stored secrets are encrypted with, --fix replaces none of them unless you add
    --discard-secrets: put the key back instead, unless it is gone for good.
    Exit code 0: nothing was found, or only notes. Exit code 1: something was found, even if it was then fixed.
    --before-going-live checks the setup instead: the Stripe key, its mode and permissions, PUBLIC_URL and the redirect URI,
    the endpoints, clocks, encryption keys, backups, retention, queue and workers. Each line is ok, warn (look, or decide) or
    fail; exit code 1 if any is fail.

    \b
    Examples:
      stripe-bridge doctor
      stripe-bridge doctor --fix
      stripe-bridge doctor --json
      stripe-bridge doctor --before-going-live --backups /var/backups/stripe-bridge --kept-keys - < keys-from-the-safe
    """
    if before_going_live:
        if fix:
            raise click.UsageError("--before-going-live changes nothing: leave out --fix.")
        _check_before_going_live(kept_keys, backups, as_json=as_json)
        return
    if kept_keys is not None or backups is not None:
        raise click.UsageError("--kept-keys and --backups need --before-going-live.")
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


def _check_before_going_live(kept_keys: TextIO | None, backups: Path | None, *, as_json: bool) -> None:
    evidence = Evidence(
        are_keys_kept=None if kept_keys is None else context().has_our_keys(kept_keys.read()),
        newest_backup=None if backups is None else _newest(backups),
    )
    checks = context().bridge.operations.check_before_going_live(evidence)
    rows: list[Row] = [
        {"outcome": each.outcome.value, "subject": each.subject, "what": each.what, "remedy": each.remedy}
        for each in checks
    ]
    if as_json:
        show_json({"checks": rows})
    else:
        show_rows(rows, as_json=False, when_empty="")
    if any(each.outcome is Outcome.FAIL for each in checks):
        raise click.exceptions.Exit(1)


def _newest(backups: Path) -> datetime:
    files = [backups] if backups.is_file() else [path for path in backups.rglob("*") if path.is_file()]
    if not files:
        raise click.UsageError(f"--backups: there is no file in {backups}.")
    return datetime.fromtimestamp(max(path.stat().st_mtime for path in files), UTC)


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

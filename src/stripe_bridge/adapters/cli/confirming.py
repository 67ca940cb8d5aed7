"""Asking before a command does what cannot be undone."""

from __future__ import annotations

import click

yes_option = click.option("--yes", is_flag=True, help="Do not ask for confirmation. Scripts need this.")


def confirm(consequence: str, *, yes: bool) -> None:
    """Say what will happen and ask whether to go on; the answer `no`, or none, ends the command."""
    if yes:
        return
    try:
        agreed = click.confirm(f"{consequence}\nContinue?", err=True)
    except click.Abort:
        raise click.UsageError("There was no answer. Add --yes to run this without being asked.") from None
    if not agreed:
        raise click.ClickException("Nothing was done.")

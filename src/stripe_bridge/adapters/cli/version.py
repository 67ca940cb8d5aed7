"""`stripe-bridge version`."""

from __future__ import annotations

import importlib.metadata

import click

DISTRIBUTION = "stripe-bridge"


@click.command()
def version() -> None:
    """Show the version of this service. (`flask --version` shows Flask's.)

    \b
    The same, with the service's other command:
      python -m stripe_bridge --version
    """
    click.echo(f"{DISTRIBUTION} {importlib.metadata.version(DISTRIBUTION)}")

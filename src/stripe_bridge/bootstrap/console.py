"""`stripe-bridge`: every command. It loads only what the one that is called needs."""

from __future__ import annotations

import os
import sys

import click

from stripe_bridge.adapters.cli.commands import commands
from stripe_bridge.adapters.cli.deferred import Deferred
from stripe_bridge.bootstrap.loading import load

# The same for `flask`, which finds this one without an application.
keys = Deferred(
    "keys", "stripe_bridge.bootstrap.early_commands:keys", "Keys that encrypt the secrets in the database."
)


@click.command()
def demo() -> None:
    """Play the main story on this machine, with an emulated Stripe: from connecting an account to a paid invoice.

    It needs no settings, takes free ports, and leaves nothing behind.
    """
    os.execv(sys.executable, [sys.executable, "-m", "stripe_bridge_playground", "demo"])


def all_commands() -> list[click.Command]:
    web = Deferred(
        "web",
        "stripe_bridge.bootstrap.early_commands:web",
        "Serve the API and the webhook receivers over HTTP.",
    )
    return [*commands(), demo, keys, web]


@click.group(commands=all_commands(), name="stripe-bridge")
@click.version_option(package_name="stripe-bridge", prog_name="stripe-bridge", message="%(prog)s %(version)s")
@click.pass_context
def main(context: click.Context) -> None:
    """Connects an ERP with Stripe: sales orders become paid invoices, and stay in step.

    The settings come from the environment, and from `.env` in this folder or one above it.
    """
    if context.invoked_subcommand != demo.name:
        load("adapters.env_file:load_env_file")()
    context.obj = load("bootstrap.commands:find_context")()

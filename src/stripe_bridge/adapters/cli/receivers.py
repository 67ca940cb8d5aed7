"""`stripe-bridge receivers`."""

from __future__ import annotations

import re
import sys
from typing import TextIO

import click

from stripe_bridge.adapters.cli.context import context
from stripe_bridge.adapters.cli.group import CommandGroup, as_json
from stripe_bridge.adapters.cli.options import IDENTIFIER
from stripe_bridge.adapters.cli.output import show_rows

# A terminal or a file may add other characters, with which no signature would ever match.
_SECRET = re.compile("whsec_[!-~]+")


@click.group(cls=CommandGroup)
def receivers() -> None:
    """Webhook endpoints: where Stripe sends events, and the secrets it signs them with.

    \b
    Examples:
      stripe-bridge receivers register
      stripe-bridge receivers list
      stripe-bridge receivers attach 7
    """


@receivers.command()
@click.option(
    "--discard-secrets",
    is_flag=True,
    help="If no key opens the stored secrets, give them up and create new endpoints.",
)
@as_json
def register(discard_secrets: bool, as_json: bool) -> None:
    """Create the platform's two endpoints at Stripe, or repair them.

    One is for the platform's own events, one for those of all connected accounts. Both point to PUBLIC_URL. Run this after
    changing PUBLIC_URL, or at any time: endpoints that are in order stay as they are.
    """
    rows = [
        {
            "kind": receiver.kind.value,
            "endpoint_id": receiver.endpoint_id,
            "url": receiver.url,
            "action": receiver.action,
            "faults": list(receiver.problems),
        }
        for receiver in context().bridge.receivers.register(discard_secrets=discard_secrets)
    ]
    show_rows(rows, as_json=as_json, when_empty="Nothing to register.")


@receivers.command("list")
@as_json
def list_(as_json: bool) -> None:
    """Show the endpoints whose secrets are stored, but not the secrets. The platform's come first."""
    rows = [
        {
            "id": receiver.id,
            "kind": receiver.kind.value,
            "integration_id": receiver.integration_id,
            "endpoint_id": receiver.stripe_endpoint_id,
            "url": receiver.url,
            "enabled": receiver.enabled,
            "checked_at": receiver.checked_at,
        }
        for receiver in context().bridge.receivers.list()
    ]
    show_rows(
        rows, as_json=as_json, when_empty="No receivers. Create them with: stripe-bridge receivers register"
    )


@receivers.command()
@click.argument("integration_id", type=IDENTIFIER)
@click.option(
    "--secret-stdin", is_flag=True, help="Read the secret from standard input instead of asking for it."
)
def attach(integration_id: int, secret_stdin: bool) -> None:
    """Accept events from an endpoint that an integration's merchant created by hand.

    You are asked for its signing secret (whsec_…, from the endpoint's page in the Stripe dashboard). It is not
    echoed, and appears neither in the shell's history nor in the list of processes.

    \b
    Example, for a script:
      stripe-bridge receivers attach 7 --secret-stdin < secret.txt
    """
    secret = _read_line(sys.stdin) if secret_stdin else _prompt_for_secret()
    if not _SECRET.fullmatch(secret):
        raise click.UsageError(
            "A signing secret begins with whsec_ and contains only visible ASCII characters."
        )
    receiver = context().bridge.receivers.attach(integration_id, secret)
    click.echo(f"Receiver {receiver.id} is attached. At Stripe, its endpoint must send to {receiver.url}")


def _prompt_for_secret() -> str:
    answer: str = click.prompt("Signing secret", hide_input=True)
    return answer.strip()


def _read_line(source: TextIO) -> str:
    return source.buffer.readline().decode(errors="replace").strip()

"""`stripe-bridge keys`. Generating a key works without settings, since the key is one of them."""

from __future__ import annotations

from collections.abc import Callable

import click

from stripe_bridge.adapters.cli.context import context
from stripe_bridge.adapters.cli.group import CommandGroup, as_json
from stripe_bridge.adapters.cli.output import show_row


def keys_commands(new_key: Callable[[], str]) -> click.Group:
    """The group, for the entry point `flask.commands`: Flask finds those before it loads an app."""

    @click.group(cls=CommandGroup)
    def keys() -> None:
        """Keys that encrypt the secrets in the database.

        \b
        Examples:
          export ENCRYPTION_KEYS=$(stripe-bridge keys generate)
          stripe-bridge keys rotate
        """

    @keys.command(needs_context=False)
    def generate() -> None:
        """Print a new key for ENCRYPTION_KEYS. If a key is lost, so are the secrets it encrypted."""
        click.echo(new_key())

    keys.command("rotate")(_rotate)
    return keys


@as_json
def _rotate(as_json: bool) -> None:
    """Re-encrypt every stored secret with the newest key. The service can keep running; running this twice is harmless.

    \b
    To change keys:
      1. Put a new key before the old ones: ENCRYPTION_KEYS=<new>,<old>
      2. Restart every process, so that all of them know the new key.
      3. stripe-bridge keys rotate
      4. If it reports nothing unreadable, move the old key to RETIRED_ENCRYPTION_KEYS and restart again. There it
         opens nothing, but still proves which invoices at Stripe are ours, should the database ever be lost.
    """
    rotation = context().bridge.operations.rotate_keys()
    row = {
        "access_tokens": rotation.access_tokens,
        "signing_secrets": rotation.signing_secrets,
        "subscriber_secrets": rotation.subscriber_secrets,
        "unreadable_integrations": list(rotation.unreadable_integrations),
        "unreadable_receivers": list(rotation.unreadable_receivers),
        "unreadable_subscribers": list(rotation.unreadable_subscribers),
    }
    show_row(row, as_json=as_json)
    if not rotation.is_complete:
        raise click.ClickException(
            "Some secrets cannot be opened with any of the keys. Add the key they were encrypted with after the others "
            "and rotate again, or authorize those integrations, register those receivers and rotate the secrets of those "
            "subscribers again."
        )

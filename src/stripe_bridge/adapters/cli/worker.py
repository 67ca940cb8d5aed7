"""`stripe-bridge worker`."""

from __future__ import annotations

import click

from stripe_bridge.adapters.cli.context import context


@click.command()
def worker() -> None:
    """Apply webhook events, settle calls to Stripe and deliver changes, until SIGTERM or Ctrl-C.

    With REDIS_URL, it reacts to the web processes' nudges at once, and any number of workers may run. Without it, the web
    process has its own worker, and this one only looks for work every SWEEP_SECONDS. Before it stops, it finishes what
    it is working on.

    \b
    The same, with dramatiq's own command and several processes (needs REDIS_URL):
      dramatiq stripe_bridge.bootstrap:start_worker
    """
    context().run_worker()

"""`stripe-bridge replays`."""

from __future__ import annotations

import click

from stripe_bridge.adapters.cli.confirming import confirm, yes_option
from stripe_bridge.adapters.cli.context import context
from stripe_bridge.adapters.cli.group import CommandGroup, as_json
from stripe_bridge.adapters.cli.options import IDENTIFIER, any_tenant, page_request, paging
from stripe_bridge.adapters.cli.output import show_page, show_row
from stripe_bridge.adapters.cli.rendering import replay_row

_COLUMNS = ("id", "tenant_id", "status", "filter", "total", "queued", "requested_by", "created_at")


@click.group(cls=CommandGroup)
def replays() -> None:
    """Replays of webhook events: who started them, for which events, and their progress.

    Without --tenant, those of all tenants.

    \b
    Examples:
      stripe-bridge events replay --status failed
      stripe-bridge replays list
      stripe-bridge replays show 3
      stripe-bridge replays cancel 3
    """


@replays.command("list")
@any_tenant
@paging
@as_json
def list_(tenant_id: str | None, limit: int, before: int | None, as_json: bool) -> None:
    """List replays, newest first."""
    page = context().bridge.webhook_events.list_replays(tenant_id, page_request(limit, before))
    when_empty = "No replays. Begin one with: stripe-bridge events replay (see --help)"
    show_page(page, replay_row, as_json=as_json, when_empty=when_empty, columns=_COLUMNS)


@replays.command()
@click.argument("replay_id", metavar="ID", type=IDENTIFIER)
@any_tenant
@as_json
def show(replay_id: int, tenant_id: str | None, as_json: bool) -> None:
    """Show a replay, and what became of its events so far."""
    view = context().bridge.webhook_events.show_replay(tenant_id, replay_id)
    show_row({**replay_row(view.replay), "events": dict(view.events)}, as_json=as_json)


@replays.command()
@click.argument("replay_id", metavar="ID", type=IDENTIFIER)
@any_tenant
@yes_option
@as_json
def cancel(replay_id: int, tenant_id: str | None, yes: bool, as_json: bool) -> None:
    """Queue no further events of a replay. Those already queued are still applied."""
    use_cases = context().bridge.webhook_events
    replay = use_cases.show_replay(tenant_id, replay_id).replay
    left = replay.total - replay.position
    confirm(f"This leaves {left} of the replay's {replay.total} events as they are.", yes=yes)
    show_row(replay_row(use_cases.cancel_replay(tenant_id, replay_id)), as_json=as_json)

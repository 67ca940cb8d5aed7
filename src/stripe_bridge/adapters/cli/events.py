"""`stripe-bridge events`."""

from __future__ import annotations

import difflib
import json
from typing import Any

import click

from stripe_bridge.adapters.cli.confirming import confirm, yes_option
from stripe_bridge.adapters.cli.context import context
from stripe_bridge.adapters.cli.group import CommandGroup, as_json
from stripe_bridge.adapters.cli.options import (
    IDENTIFIER,
    Command,
    DateTime,
    OneOf,
    Text,
    any_tenant,
    page_request,
    paging,
)
from stripe_bridge.adapters.cli.output import (
    counted,
    show_document,
    show_json,
    show_page,
    show_row,
)
from stripe_bridge.adapters.cli.rendering import event_row
from stripe_bridge.adapters.cli.replaying import EVENT_COLUMNS, show_plan, show_queued
from stripe_bridge.domain.receiver import SUBSCRIBED_EVENTS
from stripe_bridge.domain.replay import MAX_EVENTS, ReplayPlan
from stripe_bridge.domain.webhook_event import EventStatus
from stripe_bridge.ports.storage.inbox import EventFilter

_FILTERS = (
    click.option("--status", type=OneOf(EventStatus), help="Only those with this status."),
    click.option("--type", "event_type", type=Text(), help="Only those of this type, such as invoice.paid."),
    click.option("--integration", "integration_id", type=IDENTIFIER, help="Only those of this integration."),
    click.option(
        "--account", "account_id", type=Text(), help="Only those of this Stripe account, or `platform`."
    ),
    click.option("--object", "related_object_id", type=Text(), help="Only those about this Stripe object."),
    click.option(
        "--since", type=DateTime(), help="Only those stored at or after this time. ISO 8601, UTC by default."
    ),
    click.option("--until", type=DateTime(), help="Only those stored before this time."),
)


def _filters(command: Command) -> Command:
    for option in reversed(_FILTERS):
        command = option(command)
    return command


@click.group(cls=CommandGroup)
def events() -> None:
    """Webhook events: what Stripe sent, and the outcome.

    Without --tenant, the events of all tenants and those that belong to none.

    \b
    Examples:
      stripe-bridge events list --status failed
      stripe-bridge events show 81 --payload
      stripe-bridge events replay 81 82
      stripe-bridge events replay --status failed --type invoice.paid --since 2026-11-23 --dry-run
    """


@events.command("list")
@any_tenant
@_filters
@paging
@as_json
def list_(tenant_id: str | None, limit: int, before: int | None, as_json: bool, **matching: Any) -> None:
    """Show stored events, newest first. An event that belongs to no integration has no tenant."""
    _check_type(matching["event_type"])
    request = page_request(limit, before)
    page = context().bridge.webhook_events.list(tenant_id, EventFilter(**matching), request)
    show_page(page, event_row, as_json=as_json, when_empty="No such events.", columns=EVENT_COLUMNS)


def _check_type(event_type: str | None) -> None:
    """A type that Stripe is not asked for, and of which nothing is stored, is most likely mistyped."""
    if event_type is None or event_type in SUBSCRIBED_EVENTS:
        return
    stored = context().bridge.webhook_events.list(
        None, EventFilter(event_type=event_type), page_request(1, None)
    )
    if not stored.items:
        similar = difflib.get_close_matches(event_type, SUBSCRIBED_EVENTS, n=3)
        hint = f" Did you mean {' or '.join(similar)}?" if similar else ""
        raise click.UsageError(f"There are no events of type {event_type!r}.{hint}")


@events.command()
@click.argument("event_id", metavar="ID", type=IDENTIFIER)
@any_tenant
@click.option("--payload", "with_payload", is_flag=True, help="Also show what Stripe sent.")
@as_json
def show(event_id: int, tenant_id: str | None, with_payload: bool, as_json: bool) -> None:
    """Show everything known about an event. A payload contains personal data: handle it with care.

    \b
    Example, for a script:
      stripe-bridge events show 81 --payload --json | jq .payload.data.object
    """
    event = context().bridge.webhook_events.show(tenant_id, event_id, with_payload=with_payload)
    row, payload = event_row(event), _document(event.payload) if event.payload else None
    if as_json:
        show_json(row if payload is None else {**row, "payload": payload})
        return
    show_row(row, as_json=False)
    if payload is not None:
        show_document(payload)


def _document(payload: bytes) -> Any:
    """What Stripe sent; if that is no longer valid JSON, the text as it is."""
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return payload.decode(errors="replace")


@events.command()
@click.argument("event_ids", metavar="[ID]...", nargs=-1, type=IDENTIFIER)
@any_tenant
@_filters
@click.option(
    "--limit",
    type=click.IntRange(1, MAX_EVENTS),
    default=100,
    show_default=True,
    help="At most this many.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would be queued.")
@yes_option
@as_json
def replay(
    event_ids: tuple[int, ...],
    tenant_id: str | None,
    limit: int,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **matching: Any,
) -> None:
    """Queue events to be applied again, by ID or by filter, oldest first.

    Shows first what that would change, and asks for confirmation. Their current status does not matter. Applying an event
    twice changes nothing, so a replay is safe; use it to repair the effects of a bug in this service, once the bug is fixed.
    Workers apply the events, within SWEEP_SECONDS at the latest. Events that are being processed are skipped.

    \b
    Examples:
      stripe-bridge events replay 81
      stripe-bridge events replay --status failed --dry-run
      stripe-bridge events replay --status failed --tenant acme --limit 1000 --yes
    """
    ids = frozenset(event_ids) or None
    if ids is None and not any(matching.values()):
        raise click.UsageError("Which events? Give IDs, or a filter such as --status failed.")
    if ids is not None and len(ids) > MAX_EVENTS:
        raise click.UsageError(f"At most {MAX_EVENTS} at once.")
    _check_type(matching["event_type"])
    wanted = EventFilter(ids=ids, **matching)
    at_most = limit if ids is None else len(ids)
    plan = context().bridge.webhook_events.plan_replay(tenant_id, wanted, at_most)
    if dry_run or not plan.events:
        show_queued(plan, dry_run=dry_run, as_json=as_json)
    else:
        if not as_json:
            show_plan(plan)
        confirm(f"This applies {counted(len(plan.events), 'event')} again.", yes=yes)
        replay_id = _carry_out(plan, wanted)
        show_queued(plan, dry_run=False, as_json=as_json, replay_id=replay_id)
    _check_all_queued(ids, plan)


def _carry_out(plan: ReplayPlan, wanted: EventFilter) -> int:
    use_cases = context().bridge.webhook_events
    replay_id: int = use_cases.start_replay(plan.tenant_id, wanted, plan.limit, plan.digest).id
    # Whatever else is running is carried on, too: the oldest first. If this is interrupted, a worker goes on.
    while use_cases.show_replay(plan.tenant_id, replay_id).replay.is_running and use_cases.run_replays():
        pass
    return replay_id


def _check_all_queued(ids: frozenset[int] | None, plan: ReplayPlan) -> None:
    missing = sorted((ids or frozenset()) - {event.id for event in plan.found})
    if missing:
        raise click.ClickException(f"No such webhook event: {', '.join(map(str, missing))}.")
    if ids is not None and plan.being_processed:
        raise click.ClickException("Not all were queued: some are being processed; try again.")
    if ids is not None and plan.purged:
        raise click.ClickException("Not all were queued: some payloads have been deleted.")

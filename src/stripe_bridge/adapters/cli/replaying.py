"""How a replay is shown: what would change, and what was queued."""

from __future__ import annotations

import click

from stripe_bridge.adapters.cli.output import counted, show_json, show_rows
from stripe_bridge.adapters.cli.rendering import change_rows, event_row, planned_event_row
from stripe_bridge.domain.replay import Outcome, ReplayPlan

EVENT_COLUMNS = (
    "id",
    "tenant_id",
    "event_type",
    "related_object_id",
    "account_id",
    "status",
    "attempts",
    "skip_reason",
    "last_error",
    "created_at",
)

_OF_PLANNED = ("id", "event_type", "related_object_id", "status", "outcome", "why")
_OF_CHANGES = ("invoice_id", "object", "field", "before", "after")


def show_plan(plan: ReplayPlan) -> None:
    """What the events come to, and which fields of which objects change."""
    events = [planned_event_row(each) for each in plan.events]
    show_rows(events, as_json=False, when_empty="No such events.", columns=_OF_PLANNED)
    changes = [row for planned in plan.objects for row in change_rows(planned)]
    click.echo("\nWhat would change:\n" if changes else "\nNothing would change.")
    if changes:
        show_rows(changes, as_json=False, when_empty="", columns=_OF_CHANGES)
    if plan.counts[Outcome.UNKNOWN]:
        click.echo("\nUnknown: only Stripe can tell; it is asked when the events are applied.")
    for hold in plan.holds:
        click.echo(
            f"\nThe sends of {hold.tenant_id} would be held: {hold.stripe_invoice_id} is not known here, as after a restore."
        )
    click.echo("")


def show_queued(plan: ReplayPlan, *, dry_run: bool, as_json: bool, replay_id: int | None = None) -> None:
    queued = [event_row(each.event) for each in plan.events]
    processing = [event_row(event) for event in plan.being_processed]
    purged = [event_row(event) for event in plan.purged]
    if as_json:
        outcome = {
            "queued": queued,
            "being_processed": processing,
            "forgotten": purged,
            "more": plan.more,
        }
        show_json({"dry_run": dry_run, **outcome, **({} if dry_run else {"replay_id": replay_id})})
        return
    if dry_run or not queued:
        show_rows(queued, as_json=False, when_empty="No such events.", columns=EVENT_COLUMNS)
    if queued:
        done = "Would be queued" if dry_run else "Queued"
        above = ". Shown above as they were before." if dry_run else f": replay {replay_id}."
        click.echo(f"\n{done} to be applied again: {counted(len(queued), 'event')}{above}")
    if processing:
        click.echo(
            f"Skipped because they are being processed: {', '.join(str(row['id']) for row in processing)}."
        )
    if purged:
        click.echo(f"Skipped because their payloads have been deleted: {len(purged)}.")
    if plan.more:
        click.echo(f"{counted(plan.more, 'more event')} not shown: raise --limit to include them.")

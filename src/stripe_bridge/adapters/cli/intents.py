"""`stripe-bridge intents`."""

from __future__ import annotations

import click

from stripe_bridge.adapters.cli.context import context
from stripe_bridge.adapters.cli.group import CommandGroup, as_json
from stripe_bridge.adapters.cli.options import IDENTIFIER, OneOf, any_tenant, page_request, paging
from stripe_bridge.adapters.cli.output import counted, show_page, show_row, show_rows
from stripe_bridge.adapters.cli.rendering import intent_row
from stripe_bridge.domain.intent import UNSETTLED, IntentState
from stripe_bridge.ports.storage.intents import IntentFilter

_COLUMNS = (
    "id",
    "tenant_id",
    "operation",
    "subject",
    "account_id",
    "state",
    "attempts",
    "due_at",
    "last_error",
    "resolving",
)


@click.group(cls=CommandGroup)
def intents() -> None:
    """Calls that change something at Stripe, stored before they are made.

    Workers settle them automatically. If one stays unsettled, `last_error` has the reason; one that Stripe refused for
    good is `failed`.

    \b
    Examples:
      stripe-bridge intents list
      stripe-bridge intents list --state failed
      stripe-bridge intents resolve 41 --dry-run
      stripe-bridge intents resolve --all-due
    """


@intents.command("list")
@any_tenant
@click.option("--integration", "integration_id", type=IDENTIFIER, help="Only those of this integration.")
@click.option("--state", type=OneOf(IntentState), help="Only those in this state.")
@click.option("--all", "settled_too", is_flag=True, help="Include settled ones.")
@paging
@as_json
def list_(
    tenant_id: str | None,
    integration_id: int | None,
    state: IntentState | None,
    settled_too: bool,
    limit: int,
    before: int | None,
    as_json: bool,
) -> None:
    """Show intents, newest first; only the unsettled ones unless asked for others."""
    states = None if settled_too else UNSETTLED
    matching = IntentFilter(
        tenant_id=tenant_id,
        integration_id=integration_id,
        states=states if state is None else frozenset({state}),
    )
    page = context().bridge.intents.list(matching, page_request(limit, before))
    show_page(page, intent_row, as_json=as_json, when_empty="No such intents.", columns=_COLUMNS)


@intents.command()
@click.argument("intent_id", metavar="ID", type=IDENTIFIER)
@as_json
def show(intent_id: int, as_json: bool) -> None:
    """Show everything known about an intent, including the parameters of its call.

    Parameters contain personal data: handle the output with care.
    """
    intent = context().bridge.intents.show(intent_id)
    show_row({**intent_row(intent), "parameters": dict(intent.parameters)}, as_json=as_json)


@intents.command()
@click.argument("intent_id", metavar="[ID]", required=False, type=IDENTIFIER)
@click.option("--all-due", is_flag=True, help="Settle all that are due, once each, longest overdue first.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="At most this many, with --all-due.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would be done, in `resolving`.")
@as_json
def resolve(intent_id: int | None, all_due: bool, limit: int, dry_run: bool, as_json: bool) -> None:
    """Settle an intent now, and show its state afterwards.

    This is as safe as waiting for its next try: if a call may already have taken effect, Stripe is checked before the
    call is made again. An intent that is being settled right now is refused. Exit code 1 means that something is still
    unsettled.
    """
    if all_due == (intent_id is not None):
        raise click.UsageError("Give either an ID or --all-due.")
    bridge = context().bridge
    if intent_id is None:
        found = bridge.intents.resolve_due(limit, dry_run=dry_run)
    else:
        found = [bridge.intents.resolve(intent_id, dry_run=dry_run)]
    rows = [intent_row(intent) for intent in found]
    show_rows(rows, as_json=as_json, when_empty="No intents are due.", columns=_COLUMNS)
    unsettled = sum(not intent.is_settled for intent in found)
    if unsettled and not dry_run:
        raise click.ClickException(f"Still unsettled: {counted(unsettled, 'intent')}.")

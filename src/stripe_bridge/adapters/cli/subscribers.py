"""`stripe-bridge subscribers`."""

from __future__ import annotations

from typing import Any

import click

from stripe_bridge.adapters.cli.confirming import confirm, yes_option
from stripe_bridge.adapters.cli.context import context
from stripe_bridge.adapters.cli.group import CommandGroup, as_json
from stripe_bridge.adapters.cli.options import IDENTIFIER, Text, any_tenant, tenant
from stripe_bridge.adapters.cli.output import Row, show_row, show_rows
from stripe_bridge.adapters.cli.rendering import delivery_row, subscriber_row
from stripe_bridge.domain.errors.base import SubscriberNotFound
from stripe_bridge.domain.subscriber import MAX_BATCH, MAX_URL_LENGTH, Subscriber
from stripe_bridge.use_cases.subscribers.manage import NewSubscriber

_COLUMNS = ("id", "tenant_id", "url", "enabled", "disabled_reason", "after", "behind", "last_success_at")
_OF_DELIVERIES = ("attempted_at", "type", "after", "last", "status", "ms", "error")


@click.group(cls=CommandGroup)
def subscribers() -> None:
    """Subscribers: URLs of the ERP to which changes are posted, signed and in order.

    \b
    Examples:
      stripe-bridge subscribers create --tenant acme --url https://erp.example.com/stripe-changes
      stripe-bridge subscribers ping 3
      stripe-bridge subscribers list
      stripe-bridge subscribers deliveries 3
    """


@subscribers.command("list")
@any_tenant
@as_json
def list_(tenant_id: str | None, as_json: bool) -> None:
    """List subscribers, oldest first, and how far behind each is."""
    queries = context().bridge.subscribers.list
    views = queries.of_all_tenants() if tenant_id is None else queries(tenant_id)
    rows = [subscriber_row(view) for view in views]
    when_empty = "No subscribers. Create one with: stripe-bridge subscribers create (see --help)"
    show_rows(rows, as_json=as_json, when_empty=when_empty, columns=_COLUMNS)


@subscribers.command()
@tenant
@click.option(
    "--url",
    required=True,
    type=Text(max_length=MAX_URL_LENGTH),
    help="The https URL to which changes are posted.",
)
@click.option(
    "--type",
    "types",
    multiple=True,
    type=Text(max_length=64),
    help="A type of change, or a group such as `invoice.*`. Repeat it for several. By default, all but acts.",
)
@click.option(
    "--max-batch",
    type=click.IntRange(1, MAX_BATCH),
    default=MAX_BATCH,
    show_default=True,
    help="The most changes in one request.",
)
@click.option(
    "--after",
    type=click.IntRange(0, 2**63 - 1),
    help="Deliver the changes after this number; 0 for all of them. By default, only new changes.",
)
@click.option("--description", default="", type=Text(may_be_blank=True), help="A note to yourself.")
@as_json
def create(tenant_id: str, types: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Register a subscriber. Its signing secret is shown only once."""
    new = NewSubscriber(types=types or None, **given)
    view, secret = context().bridge.subscribers.create(tenant_id, new)
    show_row({**subscriber_row(view), "secret": secret}, as_json=as_json)
    if not as_json:
        click.echo("\nSave the secret now: it cannot be shown again.", err=True)


@subscribers.command()
@click.argument("subscriber_id", metavar="ID", type=IDENTIFIER)
@as_json
def ping(subscriber_id: int, as_json: bool) -> None:
    """Send a signed request without changes, and show the outcome."""
    subscriber = _find(subscriber_id)
    delivery = context().bridge.subscribers.ping(subscriber.tenant_id, subscriber_id)
    show_row(delivery_row(delivery), as_json=as_json)
    if delivery.error is not None:
        raise click.ClickException("The receiver did not accept it.")


@subscribers.command("rotate-secret")
@click.argument("subscriber_id", metavar="ID", type=IDENTIFIER)
@yes_option
@as_json
def rotate_secret(subscriber_id: int, yes: bool, as_json: bool) -> None:
    """Create a new signing secret. For 24 hours, requests are signed with both the old and the new one."""
    subscriber = _find(subscriber_id)
    confirm(
        f"This replaces the secret of {_name(subscriber)}: in 24 hours, a receiver that still has the old one "
        "will refuse everything.",
        yes=yes,
    )
    view, secret = context().bridge.subscribers.rotate_secret(subscriber.tenant_id, subscriber_id)
    show_row({**subscriber_row(view), "secret": secret}, as_json=as_json)
    if not as_json:
        click.echo("\nSave the secret now: it cannot be shown again.", err=True)


@subscribers.command()
@click.argument("subscriber_id", metavar="ID", type=IDENTIFIER)
@click.option(
    "--after",
    type=click.IntRange(0, 2**63 - 1),
    help="Continue after the change with this number. By default, after the last acknowledged one.",
)
@yes_option
@as_json
def resume(subscriber_id: int, after: int | None, yes: bool, as_json: bool) -> None:
    """Enable a subscriber again, from where it stopped or after a given change."""
    subscriber = _find(subscriber_id)
    use_cases = context().bridge.subscribers
    if after is None:
        view = use_cases.update(subscriber.tenant_id, subscriber_id, {"enabled": True})
    else:
        what = (
            "receives again what it already had"
            if after < subscriber.after
            else "never receives what is in between"
        )
        if after != subscriber.after:
            confirm(f"{_name(subscriber)} is at {subscriber.after}: after {after}, it {what}.", yes=yes)
        view = use_cases.resume(subscriber.tenant_id, subscriber_id, after)
    show_row(subscriber_row(view), as_json=as_json)


@subscribers.command()
@click.argument("subscriber_id", metavar="ID", type=IDENTIFIER)
@yes_option
def delete(subscriber_id: int, yes: bool) -> None:
    """Remove a subscriber, with its deliveries. Nothing more is sent to it."""
    subscriber = _find(subscriber_id)
    confirm(f"This removes {_name(subscriber)}: its cursor and its secret are lost.", yes=yes)
    context().bridge.subscribers.delete(subscriber.tenant_id, subscriber_id)
    click.echo(f"Subscriber {subscriber_id} of {subscriber.tenant_id} is removed.")


@subscribers.command()
@click.argument("subscriber_id", metavar="ID", type=IDENTIFIER)
@as_json
def deliveries(subscriber_id: int, as_json: bool) -> None:
    """List the last hundred attempts, newest first."""
    subscriber = _find(subscriber_id)
    listed = context().bridge.subscribers.list_deliveries(subscriber.tenant_id, subscriber_id)
    rows: list[Row] = [delivery_row(each) for each in listed]
    show_rows(rows, as_json=as_json, when_empty="No deliveries yet.", columns=_OF_DELIVERIES)


def _find(subscriber_id: int) -> Subscriber:
    for view in context().bridge.subscribers.list.of_all_tenants():
        if view.subscriber.id == subscriber_id:
            return view.subscriber
    raise SubscriberNotFound


def _name(subscriber: Subscriber) -> str:
    return f"subscriber {subscriber.id} of {subscriber.tenant_id} ({subscriber.url})"

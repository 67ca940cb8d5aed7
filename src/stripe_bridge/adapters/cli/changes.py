"""`stripe-bridge changes`."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

import click

from stripe_bridge.adapters.cli.confirming import confirm, yes_option
from stripe_bridge.adapters.cli.context import context
from stripe_bridge.adapters.cli.group import CommandGroup, as_json
from stripe_bridge.adapters.cli.options import IDENTIFIER, Text, any_tenant, tenant
from stripe_bridge.adapters.cli.output import Row, counted, show_document, show_json, show_rows
from stripe_bridge.adapters.cli.rendering import intent_row
from stripe_bridge.domain.changes.change import NO_TENANT
from stripe_bridge.domain.changes.entry import Entry
from stripe_bridge.domain.changes.verification import Position, StoredEntry
from stripe_bridge.use_cases.changes.feed import types_matching
from stripe_bridge.use_cases.changes.verify import LogReport

_COLUMNS = ("sequence", "occurred_at", "type", "subject", "sales_order_id", "by", "operator", "changed")
_OF_CALL = ("id", "operation", "subject", "account_id", "state", "attempts", "last_error")
_FOLLOW_EVERY = 1.0
_POSITION = click.IntRange(0, 2**63 - 1)


@click.group(cls=CommandGroup)
def changes() -> None:
    """The change log: what this service recorded about its own objects, and about its use.

    Each tenant has its own log, numbered from 1 and chained by hashes. Changes of no tenant have a separate log: --service.

    \b
    Examples:
      stripe-bridge changes list --tenant acme --type 'refund.*'
      stripe-bridge changes show 4211 --tenant acme
      stripe-bridge changes request 0b5e8c1d9f7a4e2ab6c3d8e1f0a9b7c5
      stripe-bridge changes tail --tenant acme --follow
      stripe-bridge changes export --tenant acme --after 4000 > acme.ndjson
      stripe-bridge changes verify
      stripe-bridge changes verify --tenant acme --after 4211 --hash 9f2c…
      stripe-bridge changes purge --customer 9
      stripe-bridge changes resume --tenant acme
    """


_service = click.option(
    "--service", "of_service", is_flag=True, help="Changes of no tenant, such as a key rotation."
)
_type = click.option(
    "--type",
    "types",
    multiple=True,
    type=Text(),
    help="Only this type, or a group such as `invoice.*`. Repeatable.",
)


def _of_one_log(command: Callable[..., None]) -> Callable[..., None]:
    """`tenant_id` of exactly one log, "" for the service's own."""

    @wraps(command)
    def chosen(*, tenant_id: str | None, of_service: bool, **values: Any) -> None:
        if (tenant_id is None) is not of_service:
            raise click.UsageError("Whose changes? Give either --tenant or --service.")
        command(tenant_id=NO_TENANT if tenant_id is None else tenant_id, **values)

    return any_tenant(_service(chosen))


@changes.command("list")
@_of_one_log
@_type
@click.option("--order", "sales_order_id", type=IDENTIFIER, help="Only those of this sales order.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=25, show_default=True, help="How many to show."
)
@click.option("--before", type=IDENTIFIER, help="Continue below this number.")
@as_json
def list_(
    tenant_id: str,
    types: Sequence[str],
    sales_order_id: int | None,
    limit: int,
    before: int | None,
    as_json: bool,
) -> None:
    """Show changes, newest first: who changed what. With --json, in the form of the feed, with their objects."""
    found = context().bridge.changes.list(
        tenant_id, limit, before=before, types=_types(types), sales_order_id=sales_order_id
    )
    if as_json:
        show_json([_shown(entry) for entry in found])
        return
    rows = [_row(entry) for entry in found]
    show_rows(rows, as_json=False, when_empty="No such changes.", columns=_COLUMNS)
    if len(found) == limit and found[-1].sequence > 1:
        click.echo(f"\nThere may be more; continue with: --before {found[-1].sequence}", err=True)


def _types(patterns: Sequence[str]) -> frozenset[Any] | None:
    if not patterns:
        return None
    matching = types_matching(patterns)
    if mistaken := [pattern for pattern, types in matching.items() if not types]:
        raise click.UsageError(f"There are no changes of type {', '.join(mistaken)}.")
    return frozenset().union(*matching.values())


@changes.command()
@click.argument("sequence", metavar="NUMBER", type=IDENTIFIER)
@_of_one_log
@as_json
def show(sequence: int, tenant_id: str, as_json: bool) -> None:
    """Show everything about a change. Its object may contain personal data."""
    entry = _shown(context().bridge.changes.show(tenant_id, sequence))
    if as_json:
        show_json(entry)
    else:
        show_document(entry)


@changes.command()
@click.argument("request_id", metavar="REQUEST_ID", type=Text(max_length=128))
@any_tenant
@as_json
def request(request_id: str, tenant_id: str | None, as_json: bool) -> None:
    """Show what a request changed, and which calls to Stripe it led to, by the `X-Request-Id` of its response.

    Requests can be traced for ninety days.
    """
    trace = context().bridge.changes.trace_request(request_id, tenant_id)
    changed = [{"tenant_id": entry.tenant_id, **_row(entry)} for entry in trace.entries]
    calls = [intent_row(intent) for intent in trace.intents]
    if as_json:
        shown = [entry.shown() for entry in trace.entries]
        show_json({"changes": shown, "intents": calls})
        return
    show_rows(
        changed,
        as_json=False,
        when_empty="The request changed no objects of this service.",
        columns=("tenant_id", *_COLUMNS),
    )
    click.echo()
    show_rows(calls, as_json=False, when_empty="The request led to no calls to Stripe.", columns=_OF_CALL)


@changes.command()
@_of_one_log
@click.option(
    "--lines", type=click.IntRange(0, 10_000), default=10, show_default=True, help="How many to start with."
)
@click.option("--follow", is_flag=True, help="Then print each change as it is recorded, until Ctrl-C.")
def tail(tenant_id: str, lines: int, follow: bool) -> None:
    """Print the newest changes, oldest first, one line of JSON each (NDJSON)."""
    bridge = context().bridge.changes
    begun = bridge.list(tenant_id, max(lines, 1))
    _print_lines(reversed(begun[:lines]))
    if follow:
        last = begun[0].sequence if begun else 0
        _print_lines(bridge.export(tenant_id, last, _wait))


def _wait() -> bool:
    threading.Event().wait(_FOLLOW_EVERY)
    return True


@changes.command()
@_of_one_log
@click.option("--after", type=_POSITION, default=0, show_default=True, help="Only those after this number.")
def export(tenant_id: str, after: int) -> None:
    """Print all changes, oldest first, one line of JSON each (NDJSON), with everything needed to verify them elsewhere.

    Objects contain personal data: handle the output with care.
    """
    _print_lines(context().bridge.changes.export(tenant_id, after))


def _print_lines(entries: Iterable[StoredEntry]) -> None:
    for entry in entries:
        click.echo(json.dumps(_shown(entry)))


def _shown(entry: StoredEntry | Entry) -> Row:
    try:
        return entry.shown()
    except (ValueError, TypeError):
        raise click.ClickException(
            f"Entry {entry.sequence} is damaged and cannot be read; see: stripe-bridge changes verify"
        ) from None


def _row(entry: StoredEntry | Entry) -> Row:
    shown: Any = _shown(entry)
    subject, actor = shown["subject"], shown["actor"]
    return {
        **shown,
        "subject": " ".join(str(part) for part in subject.values() if part is not None),
        "by": " ".join(str(actor[part]) for part in ("type", "id") if actor[part] is not None),
        "operator": shown["cause"].get("operator"),
        "changed": ", ".join(shown["changed"]),
    }


@changes.command()
@any_tenant
@_service
@click.option("--after", type=_POSITION, help="Only entries after this number; needs --hash.")
@click.option(
    "--hash",
    "hash_",
    type=Text(pattern="[0-9a-f]{64}", meaning="a hash"),
    help="The hash of that entry, as you noted it.",
)
@click.option("--chain-only", is_flag=True, help="Do not compare with the objects in the database.")
@as_json
def verify(
    tenant_id: str | None,
    of_service: bool,
    after: int | None,
    hash_: str | None,
    chain_only: bool,
    as_json: bool,
) -> None:
    """Recompute the hashes of the change logs, and compare the logs with the objects that they are about.

    Finds entries that were modified, are missing or out of order, and truncated logs, with the first wrong number; and
    objects that were changed without the log. Safe to run at any time. Exit code 1: something was found.

    Anyone who can write to the database can also rewrite a log to its end: only a hash noted elsewhere reveals that. Note
    the last number and hash that are printed, and pass them the next time.

    \b
    Examples:
      stripe-bridge changes verify
      stripe-bridge changes verify --tenant acme --after 4211 --hash 9f2c…
    """
    if tenant_id is not None and of_service:
        raise click.UsageError("Give either --tenant or --service.")
    if (after is None) is not (hash_ is None):
        raise click.UsageError("--after and --hash belong together.")
    if after is not None and (tenant_id is None) is not of_service:
        raise click.UsageError("Whose hash is that? Give either --tenant or --service.")
    held = None if after is None or hash_ is None else Position(after, hash_)
    chosen = NO_TENANT if of_service else tenant_id
    reports = context().bridge.changes.verify(chosen, held, with_objects=not chain_only)
    if as_json:
        found = list(reports)
        show_json([_report_row(report) for report in found])
    else:
        found = [_say(report) for report in reports]
        if not found:
            click.echo("There are no change logs yet.")
    if any(report.faults for report in found):
        raise click.exceptions.Exit(1)


def _say(report: LogReport) -> LogReport:
    name = report.tenant_id or "the service"
    for fault in report.faults:
        where = "" if fault.sequence is None else f" {fault.sequence}"
        click.echo(f"{name}: {fault.kind}{where}: {fault.what}")
    if not report.faults:
        position = report.position
        looked_at = f"{counted(report.objects, 'object')} compared, last number and hash"
        click.echo(f"{name}: in order, {looked_at}: {position.sequence} {position.hash}")
    if report.unrecorded:
        counts = ", ".join(counted(number, f"{kind} object") for kind, number in report.unrecorded.items())
        some = ", ".join(report.unrecorded_ids)
        click.echo(f"{name}: not in the log yet, or different there: {counts}, such as {some}")
    return report


def _report_row(report: LogReport) -> Row:
    return {
        "tenant_id": report.tenant_id or None,
        "last": report.position.sequence,
        "hash": report.position.hash,
        "entries": report.entries,
        "objects": report.objects,
        "faults": [
            {"kind": fault.kind.value, "sequence": fault.sequence, "what": fault.what}
            for fault in report.faults
        ],
        "unrecorded": dict(report.unrecorded),
    }


@changes.command()
@click.option(
    "--customer", "customer_id", required=True, type=IDENTIFIER, help="The customer's id in the ERP."
)
@any_tenant
@yes_option
@as_json
def purge(customer_id: int, tenant_id: str | None, yes: bool, as_json: bool) -> None:
    """Remove a customer's personal data from the change logs and from stored webhooks, for good.

    All changes of the customer's orders, and of their invoices, refunds and disputes, lose their objects; the payloads of
    webhook events about them are emptied. The logs stay intact, and record the purge in numbers only. The orders and invoices
    themselves stay as they are.
    """
    bridge = context().bridge.changes
    orders = bridge.find_orders_of_customer(customer_id, tenant_id)
    if not orders:
        raise click.ClickException(f"Customer {customer_id} has no orders.")
    found = counted(len(orders), "sales order")
    confirm(
        f"This removes the objects of all changes of {found} of customer {customer_id}, for good.", yes=yes
    )
    purged = bridge.purge_orders(orders)
    if as_json:
        show_json({"orders": len(orders), "entries": purged.entries, "events": purged.events})
        return
    click.echo(
        f"Purged: the objects of {counted(purged.entries, 'change')}, and the payloads of "
        f"{counted(purged.events, 'webhook event')}."
    )


@changes.command()
@tenant
def resume(tenant_id: str) -> None:
    """Resume sends and refunds of a tenant that are held because of a reader of its changes, if the reader was wrong.

    A reader that holds other changes than the database is usually right: the database was restored from a backup, and
    `stripe-bridge reconcile --since` ends the hold. If the reader is wrong, fix or stop it first: its next request would
    hold the tenant again.
    """
    accounts = context().bridge.changes.resume_sends(tenant_id)
    where = ", ".join(account for account in accounts if account)
    click.echo(f"{tenant_id} sends and refunds again{f', through {where}' if where else ''}.")

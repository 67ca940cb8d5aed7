"""`stripe-bridge tokens`."""

from __future__ import annotations

from typing import Any

import click

from stripe_bridge.adapters.cli.confirming import confirm, yes_option
from stripe_bridge.adapters.cli.context import context
from stripe_bridge.adapters.cli.group import CommandGroup, as_json
from stripe_bridge.adapters.cli.options import (
    IDENTIFIER,
    OneOf,
    Text,
    check_tenant,
    new_tenant_option,
    user_id,
)
from stripe_bridge.adapters.cli.output import Row, show_row, show_rows
from stripe_bridge.domain.access import ApiToken, Role


@click.group(cls=CommandGroup)
def tokens() -> None:
    """Bearer tokens for the REST API: who may call it, and what they may do.

    \b
    Examples:
      stripe-bridge tokens create --tenant acme --new-tenant --role admin
      stripe-bridge tokens create --tenant acme --role member --user-id 17 --label "ERP, Jane"
      stripe-bridge tokens list
      stripe-bridge tokens revoke 3
    """


@tokens.command()
@click.option(
    "--tenant",
    required=True,
    type=Text(),
    help="The tenant whose data it gives access to. A tenant is created with its first token.",
)
@new_tenant_option
@click.option(
    "--role",
    "roles",
    required=True,
    multiple=True,
    type=OneOf(Role),
    help="What it may do, from reading to everything. Repeat it to create one token for each role.",
)
@user_id
@click.option(
    "--label", default="", type=Text(may_be_blank=True), help="What it is for, as a note to yourself."
)
@as_json
def create(
    tenant: str, new_tenant: bool, roles: tuple[Role, ...], user_id: int | None, label: str, as_json: bool
) -> None:
    """Create a token. It is shown only once; only its hash is stored.

    With --json: one object, or a list if there are several roles.

    \b
    Example, for a script:
      TOKEN=$(stripe-bridge tokens create --tenant acme --role admin --json | jq -r .token)
    """
    check_tenant(tenant, is_new=new_tenant)
    create_token = context().bridge.access.create_token
    made = [create_token(tenant_id=tenant, role=role, user_id=user_id, label=label) for role in roles]
    rows: list[Row] = [{**_row(issued.token), "token": issued.secret} for issued in made]
    if len(rows) == 1:
        show_row(rows[0], as_json=as_json)
    else:
        show_rows(rows, as_json=as_json, when_empty="")
    if not as_json:
        click.echo("\nSave the token now: it cannot be shown again.", err=True)


@tokens.command("list")
@as_json
def list_(as_json: bool) -> None:
    """List all tokens, oldest first, including revoked ones, but never the secrets themselves."""
    rows = [_row(token) for token in context().bridge.access.list_tokens()]
    show_rows(
        rows,
        as_json=as_json,
        when_empty="No tokens. Create one with: stripe-bridge tokens create (see --help)",
    )


@tokens.command()
@click.argument("token_id", metavar="ID", type=IDENTIFIER)
@yes_option
def revoke(token_id: int, yes: bool) -> None:
    """Revoke a token, by the ID that `stripe-bridge tokens list` shows. The next request with it is refused."""
    access = context().bridge.access
    known = next((each for each in access.list_tokens() if each.id == token_id), None)
    if known is not None and known.is_good:
        confirm(_consequence(known), yes=yes)
    token = access.revoke_token(token_id)
    click.echo(f"Token {token.id} of {token.tenant_id} is revoked.")


def _consequence(token: ApiToken) -> str:
    label = f", {token.label!r}" if token.label else ""
    return (
        f"This revokes token {token.id} of {token.tenant_id} ({token.role.value}{label}): "
        "anything that still uses it will be refused."
    )


def _row(token: ApiToken) -> Row:
    row: dict[str, Any] = {
        "id": token.id,
        "tenant_id": token.tenant_id,
        "role": token.role.value,
        "user_id": token.user_id,
        "label": token.label,
        "created_at": token.created_at,
        "revoked_at": token.revoked_at,
    }
    return row

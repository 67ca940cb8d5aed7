"""`stripe-bridge console`."""

from __future__ import annotations

import click

from stripe_bridge.adapters.cli.context import context
from stripe_bridge.adapters.cli.group import CommandGroup, as_json
from stripe_bridge.adapters.cli.options import IDENTIFIER, OneOf, Text, check_tenant
from stripe_bridge.adapters.cli.output import Row, show_json, show_rows
from stripe_bridge.domain.access import Role
from stripe_bridge.domain.console_session import ConsoleSession
from stripe_bridge.ports.origin import current_origin
from stripe_bridge.use_cases.access.console_links import CreateConsoleLinkCommand


@click.group(cls=CommandGroup)
def console() -> None:
    """The console at /console: links to sign in with, and who is signed in.

    \b
    Examples:
      stripe-bridge console link --operator
      stripe-bridge console link --tenant acme --role viewer --name "Jane, accounting"
      stripe-bridge console sessions
      stripe-bridge console sign-out 3
    """


@console.command()
@click.option("--operator", is_flag=True, help="For an operator of the service: everything, of all tenants.")
@click.option("--tenant", "tenant_id", type=Text(), help="For a person of this tenant; needs --role.")
@click.option("--role", type=OneOf(Role), help="What the person may do, as for a token.")
@click.option(
    "--name", type=Text(), help="The person's name, shown in the change log. By default, your login name."
)
@click.option(
    "--standing",
    is_flag=True,
    help="A link that works until another one is made; only if the service can be reached from this machine alone.",
)
@as_json
def link(
    operator: bool, tenant_id: str | None, role: Role | None, name: str | None, standing: bool, as_json: bool
) -> None:
    """Print a link that signs one person in, once, within five minutes. Treat it like a password.

    The session lasts eight hours.
    """
    if operator is (tenant_id is not None) or (tenant_id is None) is not (role is None):
        raise click.UsageError("For whom? Give either --operator, or --tenant and --role.")
    if tenant_id is not None:
        check_tenant(tenant_id, is_new=False)
    issued = context().bridge.access.create_console_link(
        CreateConsoleLinkCommand(
            name=name or current_origin().actor.id or "operator",
            tenant_id=tenant_id,
            role=role,
            standing=standing,
        )
    )
    if as_json:
        show_json({"url": issued.url, "expires_at": issued.link.expires_at})
    else:
        click.echo(issued.url)


@console.command()
@as_json
def sessions(as_json: bool) -> None:
    """List the sessions of the last eight hours, newest first, including those that ended early."""
    rows = [_row(session) for session in context().bridge.access.list_console_sessions()]
    show_rows(rows, as_json=as_json, when_empty="Nobody is signed in.")


@console.command("sign-out")
@click.argument("session_id", metavar="ID", type=IDENTIFIER)
def sign_out(session_id: int) -> None:
    """End a session, by the ID that `stripe-bridge console sessions` shows. Its next request is refused."""
    session = context().bridge.access.revoke_console_session(session_id)
    click.echo(f"Session {session.id} of {session.name} has ended.")


def _row(session: ConsoleSession) -> Row:
    return {
        "id": session.id,
        "name": session.name,
        "tenant_id": session.tenant_id,
        "role": "operator" if session.role is None else session.role.value,
        "created_at": session.created_at,
        "expires_at": session.expires_at,
        "revoked_at": session.revoked_at,
    }

"""What all groups of commands share."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click

from stripe_bridge.adapters.cli.context import context
from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.errors.outcomes import (
    CustomerHasBalance,
    InvoiceNotSent,
    InvoiceNotVoided,
    RefundNotIssued,
)
from stripe_bridge.domain.origin import Actor, ActorType, Origin
from stripe_bridge.domain.refusal import Refusal
from stripe_bridge.ports.origin import acting_as
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from stripe_bridge.ports.stripe.errors import GatewayError

_OPERATOR = "operator"
P = ParamSpec("P")
Result = TypeVar("Result")


class CommandGroup(click.Group):
    """An expected failure is one message on stderr and exit code 1; only a bug shows a traceback. What is changed is recorded
    as the operator's."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.params.append(_as_operator())

    def command(  # type: ignore[override]  # only with parentheses, which click does not require
        self, *arguments: Any, needs_context: bool = True, **options: Any
    ) -> Callable[[Callable[..., Any]], click.Command]:
        decorate = super().command(*arguments, **options)
        return lambda function: decorate(quietly(function) if needs_context else function)

    def invoke(self, ctx: click.Context) -> Any:
        with _errors_as_messages():
            return super().invoke(ctx)


class SingleCommand(click.Command):
    """The same for a command without a group."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.params.append(_as_operator())

    def invoke(self, ctx: click.Context) -> Any:
        with _errors_as_messages():
            return super().invoke(ctx)


def _as_operator() -> click.Option:
    return click.Option(
        ["--as", _OPERATOR],
        envvar="OPERATOR",
        metavar="NAME",
        expose_value=False,
        callback=_remember_operator,
        help="The name of the person at the command line, recorded next to the login name.",
    )


def _remember_operator(ctx: click.Context, _option: click.Parameter, name: str | None) -> None:
    if name:
        ctx.meta[_OPERATOR] = name


def _origin(ctx: click.Context) -> Origin:
    """The login name, also of whoever used sudo."""
    login = os.environ.get("SUDO_USER") or _login_name()
    cause: dict[str, str | int] = {"command": ctx.command_path}
    if _OPERATOR in ctx.meta:
        cause["operator"] = ctx.meta[_OPERATOR]
    return Origin(actor=Actor(type=ActorType.OPERATOR, id=login), cause=cause)


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A user id without a name, as in many containers.
        return f"uid:{os.getuid()}"


def quietly(command: Callable[P, Result]) -> Callable[P, Result]:
    """The command with logs that do not mix with what it shows, and with the operator as the one who acts."""

    @wraps(command)
    def quiet(*arguments: P.args, **values: P.kwargs) -> Result:
        context().quiet_logs()
        with acting_as(_origin(click.get_current_context())):
            return command(*arguments, **values)

    return quiet


@contextmanager
def _errors_as_messages() -> Iterator[None]:
    try:
        yield
    except BridgeError as error:
        # Stripe's messages may contain line breaks.
        raise click.ClickException(" ".join(" ".join(_sentences(error)).split())) from error


def _sentences(error: BridgeError) -> Iterator[str]:
    if isinstance(error, StoreUnavailable):
        yield error.reason
        if error.detail:
            yield f"(The driver says: {error.detail})"
        return
    yield error.message
    refusal: Refusal | None = getattr(error, "refusal", None)
    if refusal is not None:
        if refusal.request_id:
            yield f"(Stripe's request {refusal.request_id})"
    elif isinstance(error, (GatewayError, InvoiceNotSent)) and not isinstance(error, CustomerHasBalance):
        yield error.reason
    if isinstance(error, (InvoiceNotSent, InvoiceNotVoided)) and not error.final:
        yield "A worker will settle it; see: stripe-bridge intents list"
    elif isinstance(error, (RefundNotIssued, InvoiceNotVoided)):
        yield "For Stripe's reason see: stripe-bridge intents list --state failed"


as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for programs.")

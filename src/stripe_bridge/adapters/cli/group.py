"""What all groups of commands share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask.cli import AppGroup

from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.errors.outcomes import InvoiceNotSent, InvoiceNotVoided, RefundNotIssued
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from stripe_bridge.ports.stripe.errors import GatewayError


class CommandGroup(AppGroup):
    """An expected failure is one message on stderr and exit code 1; only a bug shows a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        with _errors_as_messages():
            return super().invoke(ctx)


class SingleCommand(click.Command):
    """The same for a command without a group."""

    def invoke(self, ctx: click.Context) -> Any:
        with _errors_as_messages():
            return super().invoke(ctx)


@contextmanager
def _errors_as_messages() -> Iterator[None]:
    try:
        yield
    except BridgeError as error:
        raise click.ClickException(" ".join(_sentences(error))) from error


def _sentences(error: BridgeError) -> Iterator[str]:
    if isinstance(error, StoreUnavailable):
        yield error.reason
        if error.detail:
            yield f"(The driver says: {error.detail})"
        return
    yield error.message
    if isinstance(error, (GatewayError, InvoiceNotSent)):
        # Stripe's messages may contain line breaks.
        yield " ".join(error.reason.split())
    if isinstance(error, (InvoiceNotSent, InvoiceNotVoided)) and not error.final:
        yield "A worker will settle it; see: flask intents list"
    elif isinstance(error, (RefundNotIssued, InvoiceNotVoided)):
        yield "For Stripe's reason see: flask intents list --state failed"


as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for programs.")

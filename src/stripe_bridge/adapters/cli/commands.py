"""All commands, and how they are registered."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from stripe_bridge.adapters.cli.changes import changes
from stripe_bridge.adapters.cli.context import CommandContext, attach_context
from stripe_bridge.adapters.cli.db import db
from stripe_bridge.adapters.cli.doctor import doctor
from stripe_bridge.adapters.cli.events import events
from stripe_bridge.adapters.cli.integrations import integrations
from stripe_bridge.adapters.cli.intents import intents
from stripe_bridge.adapters.cli.invoices import invoices
from stripe_bridge.adapters.cli.orders import orders
from stripe_bridge.adapters.cli.receivers import receivers
from stripe_bridge.adapters.cli.reconcile import reconcile
from stripe_bridge.adapters.cli.refunds import refunds
from stripe_bridge.adapters.cli.subscribers import subscribers
from stripe_bridge.adapters.cli.support_bundle import support_bundle
from stripe_bridge.adapters.cli.tokens import tokens
from stripe_bridge.adapters.cli.version import version
from stripe_bridge.adapters.cli.worker import worker


def register_commands(app: Flask, context: Callable[[], CommandContext]) -> None:
    """All but `flask keys`, which has to work before there is an app."""
    attach_context(app, context)
    groups = (
        changes,
        db,
        events,
        integrations,
        intents,
        invoices,
        orders,
        receivers,
        refunds,
        subscribers,
        tokens,
    )
    for command in (*groups, doctor, reconcile, support_bundle, version, worker):
        app.cli.add_command(command)

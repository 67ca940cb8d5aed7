"""All commands, and how they are registered."""

from __future__ import annotations

from stripe_bridge.adapters.cli.deferred import Deferred

# The first sentence of each one's help, so that a list of commands loads none of them.
_SUMMARIES = {
    "changes": "The change log: what this service recorded about its own objects, and about its use.",
    "console": "The console at /console: links to sign in with, and who is signed in.",
    "db": "The database's schema.",
    "doctor": "Find what is wrong or about to go wrong, and say what to do about it.",
    "events": "Webhook events: what Stripe sent, and the outcome.",
    "integrations": "Stripe accounts connected to this service, or about to be.",
    "intents": "Calls that change something at Stripe, stored before they are made.",
    "invoices": "Invoices for sales orders.",
    "orders": "The ERP's sales orders, as last submitted.",
    "receivers": "Webhook endpoints: where Stripe sends events, and the secrets it signs them with.",
    "reconcile": "Compare connected accounts with Stripe, correct differences, and report their number by cause.",
    "refunds": "Refunds to customers, by invoice.",
    "replays": "Replays of webhook events: who started them, for which events, and their progress.",
    "subscribers": "Subscribers: URLs of the ERP to which changes are posted, signed and in order.",
    "support-bundle": "Write a file to send with a request for help: what is running, how it is set up, and what is wrong.",
    "tokens": "Bearer tokens for the REST API: who may call it, and what they may do.",
    "version": "Show the version of this service.",
    "worker": "Apply webhook events, settle calls to Stripe and deliver changes, until SIGTERM or Ctrl-C.",
}


def commands() -> list[Deferred]:
    """All but those that have to work before there are settings."""
    return [
        Deferred(name, f"stripe_bridge.adapters.cli.{_module(name)}:{_module(name)}", summary)
        for name, summary in _SUMMARIES.items()
    ]


def _module(name: str) -> str:
    return name.replace("-", "_")

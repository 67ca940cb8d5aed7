"""The commands that work before there is a service: one makes a key for its settings, one starts it."""

from __future__ import annotations

from stripe_bridge.adapters.cli.keys import keys_commands
from stripe_bridge.adapters.cli.web import web_command
from stripe_bridge.bootstrap.loading import load


def _new_key() -> str:
    key: str = load("adapters.vault:new_key")()
    return key


def _serve(host: str, port: int, workers: int) -> None:
    load("bootstrap.server:serve")(host, port, workers)


def _openapi_document() -> str:
    document: str = load("adapters.web.api:openapi_document")("/")
    return document


keys = keys_commands(_new_key)
web = web_command(_serve, _openapi_document)

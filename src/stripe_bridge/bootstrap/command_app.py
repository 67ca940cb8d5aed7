"""The application that the `flask` command works with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from flask import Flask

from stripe_bridge.adapters.cli.context import attach_context
from stripe_bridge.bootstrap.commands import context_of, find_service
from stripe_bridge.bootstrap.console import all_commands
from stripe_bridge.bootstrap.loading import load

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def create_command_app(environ: Mapping[str, str] | None = None) -> Flask:
    """Without a worker.

    A command exits with one sentence for each setting that is missing or wrong.
    """
    service = find_service(environ)

    @cache
    def pages() -> Flask:
        app: Flask = load("bootstrap.web:web_app_of")(service())
        return app

    def serve(request: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return pages().wsgi_app(request, start_response)

    app = Flask("stripe_bridge", static_folder=None)
    # For `flask run`.
    app.wsgi_app = serve  # type: ignore[assignment, method-assign]  # as documented
    attach_context(app, context_of(service))
    for command in all_commands():
        app.cli.add_command(command)
    return app

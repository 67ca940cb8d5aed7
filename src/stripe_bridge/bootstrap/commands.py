"""The `flask` command. What only some of its commands need is loaded when they need it: `--help` needs none of it."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from flask import Flask

from stripe_bridge.adapters.cli.commands import register_commands
from stripe_bridge.adapters.cli.context import CommandContext

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from stripe_bridge.bootstrap.service import Service


def create_command_app(environ: Mapping[str, str]) -> Flask:
    """The application of the command, without a worker.

    A command exits with one sentence for each setting that is missing or wrong.
    """

    @cache
    def service() -> Service:
        built: Service = _load("bootstrap.service").service_or_exit(environ)
        return built

    @cache
    def pages() -> Flask:
        app: Flask = _load("bootstrap.web").web_app_of(service())
        return app

    def serve(request: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return pages().wsgi_app(request, start_response)

    app = Flask("stripe_bridge", static_folder=None)
    # For `flask run`.
    app.wsgi_app = serve  # type: ignore[assignment, method-assign]  # as documented
    register_commands(app, cache(lambda: _context(service())))
    return app


def _context(service: Service) -> CommandContext:
    url = service.settings.database_url
    return CommandContext(
        bridge=service.bridge,
        migrate=lambda: _schema(url).migrate(),
        current_revision=lambda: _schema(url).current_revision(),
        newest_revision=lambda: _load("adapters.database.revisions").newest_revision(),
        run_worker=lambda: _load("bootstrap.worker").run_worker(service),
        quiet_logs=_keep_logs
        if service.settings.log_level_is_set
        else _load("adapters.logs").only_warnings_on_a_terminal,
        settings=service.settings.without_secrets(),
        render_metrics=lambda: service.metrics.render(service.bridge.operations.measure_backlog()).decode(),
        redact=lambda text: str(_load("adapters.logs").redact(text)),
    )


def _schema(url: str) -> Any:
    # Alembic, which only these commands need.
    return _load("adapters.database.migrations_runner").Schema(url)


def _load(module: str) -> Any:
    """Without looking for garbage meanwhile, as the package's own entries are loaded."""
    gc.disable()
    try:
        return import_module(f"stripe_bridge.{module}")
    finally:
        gc.enable()


def _keep_logs() -> None:
    """An operator who chose a level gets it."""

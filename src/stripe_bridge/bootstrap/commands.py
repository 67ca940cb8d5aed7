"""The application of the commands. What only some of them need is loaded when they need it: `--help` needs none of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask.cli import ScriptInfo

from stripe_bridge.adapters.cli.context import CommandContext, attach_context
from stripe_bridge.bootstrap.console import all_commands
from stripe_bridge.bootstrap.loading import load

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from stripe_bridge.bootstrap.service import Service


def create_command_app(environ: Mapping[str, str] | None = None) -> Flask:
    """Without a worker.

    A command exits with one sentence for each setting that is missing or wrong.
    """

    @cache
    def service() -> Service:
        built: Service = load("bootstrap.service:service_or_exit")(environ, lazily=True)
        return built

    @cache
    def pages() -> Flask:
        app: Flask = load("bootstrap.web:web_app_of")(service())
        return app

    def serve(request: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return pages().wsgi_app(request, start_response)

    app = Flask("stripe_bridge", static_folder=None)
    # For `flask run`.
    app.wsgi_app = serve  # type: ignore[assignment, method-assign]  # as documented
    attach_context(app, cache(lambda: _context(service())))
    for command in all_commands():
        app.cli.add_command(command)
    return app


def script_info() -> ScriptInfo:
    """Leads commands outside of `flask` to the same application."""
    return ScriptInfo(create_app=create_command_app)


def _context(service: Service) -> CommandContext:
    url = service.settings.database_url
    return CommandContext(
        bridge=service.bridge,
        migrate=lambda: _schema(url).migrate(),
        current_revision=lambda: _schema(url).current_revision(),
        newest_revision=_newest_revision,
        run_worker=lambda: load("bootstrap.worker:run_worker")(service),
        quiet_logs=_keep_logs
        if service.settings.log_level_is_set
        else load("adapters.logs:only_warnings_on_a_terminal"),
        settings=service.settings.without_secrets(),
        render_metrics=lambda: service.metrics.render(service.bridge.operations.measure_backlog()).decode(),
        redact=lambda text: str(load("adapters.logs:redact")(text)),
        has_our_keys=lambda text: all(key in text for key in service.settings.encryption_keys),
    )


def _schema(url: str) -> Any:
    # Alembic, which only these commands need.
    return load("adapters.database.migrations_runner:Schema")(url)


def _newest_revision() -> str:
    newest: str = load("adapters.database.revisions:newest_revision")()
    return newest


def _keep_logs() -> None:
    """An operator who chose a level gets it."""

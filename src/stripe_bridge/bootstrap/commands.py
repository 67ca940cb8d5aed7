"""What commands work with. What only some of them need is loaded when they need it: `--help` needs none of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from stripe_bridge.adapters.cli.context import CommandContext, FindContext
from stripe_bridge.bootstrap.loading import load

if TYPE_CHECKING:
    from stripe_bridge.bootstrap.service import Service


def find_context(environ: Mapping[str, str] | None = None) -> FindContext:
    """A command exits with one sentence for each setting that is missing or wrong."""
    return context_of(find_service(environ))


def find_service(environ: Mapping[str, str] | None) -> Callable[[], Service]:
    """Built when it is first needed."""

    @cache
    def service() -> Service:
        built: Service = load("bootstrap.service:service_or_exit")(environ, lazily=True)
        return built

    return service


def context_of(service: Callable[[], Service]) -> FindContext:
    return cache(lambda: _context(service()))


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

"""What each process serves, and how the first one is prepared."""

from __future__ import annotations

import os
from collections.abc import Mapping

import click

from stripe_bridge.adapters.env_file import load_env_file
from stripe_bridge.adapters.logs import configure_logging
from stripe_bridge.adapters.metrics import remove_folder_of_children, share_with_siblings
from stripe_bridge.adapters.system import raise_open_files_limit
from stripe_bridge.adapters.web import server
from stripe_bridge.adapters.web.fast_path import FastPath
from stripe_bridge.bootstrap import create_asgi_app
from stripe_bridge.config import Settings, SettingsInvalid


def serve(host: str, port: int, workers: int) -> None:
    """Serve until told to stop. Exits with one sentence for each setting that is missing or wrong."""
    load_env_file()
    try:
        settings = Settings.from_env(os.environ)
    except SettingsInvalid as error:
        raise SystemExit(str(error)) from None
    if workers > 1 and settings.redis_url is None:
        # Each process would run a worker and count rate limits for itself.
        raise click.UsageError("More than one process needs REDIS_URL.")

    def prepare() -> Mapping[str, object]:
        configure_logging(settings.log_level, json=settings.log_format == "json")
        return {"open_files": raise_open_files_limit()}

    app = "stripe_bridge.bootstrap.server:create_app"
    server.serve(app, host, port, workers, prepare=prepare, on_end=remove_folder_of_children)


def create_app() -> FastPath:
    share_with_siblings()
    server.end_with_parent(on_end=remove_folder_of_children)
    return create_asgi_app()

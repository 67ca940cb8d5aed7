"""What serves HTTP."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Mapping

import click
from flask import Flask
from uvicorn.config import STARTUP_FAILURE

from stripe_bridge.adapters.console import ConsoleOptions, WantsForm, add_console
from stripe_bridge.adapters.system import freeze_gc, open_files_limit
from stripe_bridge.adapters.web.app import WebOptions, operations_by_endpoint
from stripe_bridge.adapters.web.app import create_app as create_web_app
from stripe_bridge.adapters.web.auth import AuthenticateHead
from stripe_bridge.adapters.web.connections import ConnectionLimits
from stripe_bridge.adapters.web.fast_path import FastPath
from stripe_bridge.adapters.web.waiting_readers import WaitingReaders
from stripe_bridge.bootstrap.service import Service, build_service, check_encryption_key, service_or_exit
from stripe_bridge.bootstrap.worker import worker_of
from stripe_bridge.config import SettingsInvalid


def create_app(environ: Mapping[str, str] | None = None) -> Flask:
    """The web application. Starts the in-process worker if there is no Redis.

    Exits with one sentence for each setting that is missing or wrong.
    """
    service = service_or_exit(environ)
    app = web_app_of(service)
    atexit.register(_start_worker(service))
    return app


def create_asgi_app(environ: Mapping[str, str] | None = None) -> FastPath:
    """The web application behind a fast entrance for webhooks.

    Exits as `create_app` does, with the status by which uvicorn knows that another try would end the same way.
    """
    try:
        service = build_service(environ)
    except SettingsInvalid as error:
        click.echo(str(error), err=True)
        raise SystemExit(STARTUP_FAILURE) from None
    app = web_app_of(service)
    changes = service.bridge.changes
    of_api = AuthenticateHead(app, operations_by_endpoint(), service.bridge.access)
    of_console = WantsForm(service.bridge.access, service.settings.public_url)
    return FastPath(
        app,
        # With tracing on, webhooks should be traced, too, and they are if Flask handles them.
        service.bridge.webhook_events.receive if service.tracing is None else None,
        service.metrics,
        threads=service.settings.web_threads,
        on_shutdown=_start_worker(service),
        wants_body=lambda environ: of_api(environ) or of_console(environ),
        limits=ConnectionLimits.for_descriptors(
            open_files_limit(), unfinished=service.settings.max_unfinished_requests
        ),
        readers=WaitingReaders(changes.find_heads, changes.skip_foreign, service.committed),
    )


def web_app_of(service: Service) -> Flask:
    service.load()
    settings = service.settings
    app = create_web_app(
        service.bridge,
        options=WebOptions(
            public_url=settings.public_url,
            oauth_return_url=settings.oauth_return_url,
            cors_origins=settings.cors_origins,
            trusted_proxies=settings.trusted_proxies,
            rate_limit_storage_uri=settings.redis_url or "memory://",
            metrics_token=settings.metrics_token,
        ),
        metrics=service.metrics,
    )
    add_console(
        app,
        service.bridge,
        ConsoleOptions(now=service.clock.now, rate_limit_storage_uri=settings.redis_url or "memory://"),
    )
    if service.tracing is not None:
        app.wsgi_app = service.tracing.serving(app.wsgi_app)  # type: ignore[assignment, method-assign]  # as documented
    return app


def _start_worker(service: Service) -> Callable[[], None]:
    """Start the worker that the process has without Redis. Returns what to call at the end."""
    check_encryption_key(service.settings)
    freeze_gc()
    if service.broker is not None:
        return lambda: None
    worker = worker_of(service)
    worker.start()
    service.mailbox.watch(worker.is_healthy)
    return worker.stop

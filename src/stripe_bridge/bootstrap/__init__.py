"""The composition root: the only package that names every adapter.

Its entries: `create_asgi_app` for `python -m stripe_bridge`, `create_app` for other web servers and the `flask` command
(through `wsgi.py`), `start_worker` for `dramatiq stripe_bridge.bootstrap:start_worker`, and `keys`, the commands that need no
settings.
"""

from __future__ import annotations

import atexit
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import click
from flask import Flask
from uvicorn.config import STARTUP_FAILURE

from stripe_bridge.adapters.cli import CommandContext, keys_commands, register_commands
from stripe_bridge.adapters.clock import AnchoredClock
from stripe_bridge.adapters.database import Schema, SqlStore, create_engine
from stripe_bridge.adapters.logs import configure_logging, only_warnings_on_a_terminal
from stripe_bridge.adapters.queue import Broker, DramatiqNudges, InProcessNudges, redis_broker
from stripe_bridge.adapters.system import freeze_gc, open_files_limit
from stripe_bridge.adapters.vault import FernetVault, new_key
from stripe_bridge.adapters.web.app import WebOptions, operations_by_endpoint
from stripe_bridge.adapters.web.app import create_app as create_web_app
from stripe_bridge.adapters.web.auth import AuthenticateHead
from stripe_bridge.adapters.web.connections import ConnectionLimits
from stripe_bridge.adapters.web.fast_path import FastPath
from stripe_bridge.adapters.web.waiting_readers import WaitingReaders
from stripe_bridge.adapters.worker import (
    DeliveryWorker,
    InProcessWorker,
    Jobs,
    attach_to_dramatiq,
    run_worker,
)
from stripe_bridge.bootstrap.adapters import build_adapters
from stripe_bridge.bootstrap.tracing import find_tracing
from stripe_bridge.bootstrap.use_cases import build_bridge
from stripe_bridge.bridge import Bridge
from stripe_bridge.config import Settings, SettingsInvalid
from stripe_bridge.ports.committed_changes import CommittedChanges
from stripe_bridge.ports.metrics import Metrics
from stripe_bridge.use_cases.receivers.encryption_key import CheckEncryptionKey, EncryptionKey

_log = logging.getLogger(__name__)
keys = keys_commands(new_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The bridge and what runs it. `mailbox` has this process's nudges; with Redis, `broker` has those of all processes."""

    settings: Settings
    bridge: Bridge
    metrics: Metrics
    committed: CommittedChanges
    tracing: Any
    mailbox: InProcessNudges
    broker: Broker | None

    def worker(self) -> InProcessWorker:
        """Sweeps, delivers changes, and does what this process is nudged for; the latter, with a broker, in dramatiq's
        threads."""
        return InProcessWorker(
            Jobs(self.bridge),
            self.mailbox,
            threads=1 if self.broker is not None else self.settings.worker_threads,
            sweep_seconds=self.settings.sweep_seconds,
            companions=[DeliveryWorker(self.bridge.subscribers, self.committed)],
        )

    def run_worker(self) -> None:
        """Run a worker process until it is stopped."""
        threads = self.settings.worker_threads
        _check_encryption_key(self.settings)
        freeze_gc()
        run_worker(Jobs(self.bridge), self.worker(), broker=self.broker, threads=threads)


def build_service(environ: Mapping[str, str]) -> Service:
    """Raises SettingsInvalid."""
    settings = Settings.from_env(environ)
    configure_logging(settings.log_level, json=settings.log_format == "json")
    for former, name in settings.deprecated.items():
        _log.warning("setting renamed", extra={"setting": former, "use": name})
    mailbox = InProcessNudges()
    broker = None if settings.redis_url is None else redis_broker(settings.redis_url)
    nudges = mailbox if broker is None else DramatiqNudges(broker)
    try:
        tracing = find_tracing(environ)
    except ImportError as error:
        raise SettingsInvalid([f"OTEL_EXPORTER_OTLP_ENDPOINT needs the extra `tracing`: {error}"]) from None
    adapters = build_adapters(settings, nudges, tracing)
    return Service(
        settings=settings,
        bridge=build_bridge(settings, adapters),
        metrics=adapters.metrics,
        committed=adapters.committed,
        tracing=tracing,
        mailbox=mailbox,
        broker=broker,
    )


def create_app(environ: Mapping[str, str], *, serving: bool) -> Flask:
    """The web application with its commands. `serving` starts the in-process worker if there is no Redis.

    Exits with one sentence for each setting that is missing or wrong.
    """
    service = _service_or_exit(environ)
    app = _web_app_of(service)
    if serving:
        atexit.register(_start_worker(service))
    return app


def create_asgi_app(environ: Mapping[str, str] = os.environ) -> FastPath:
    """The web application behind a fast entrance for webhooks.

    Exits as `create_app` does, with the status by which uvicorn knows that another try would end the same way.
    """
    try:
        service = build_service(environ)
    except SettingsInvalid as error:
        click.echo(str(error), err=True)
        raise SystemExit(STARTUP_FAILURE) from None
    app = _web_app_of(service)
    changes = service.bridge.changes
    return FastPath(
        app,
        # With tracing on, webhooks should be traced, too, and they are if Flask handles them.
        service.bridge.webhook_events.receive if service.tracing is None else None,
        service.metrics,
        threads=service.settings.web_threads,
        on_shutdown=_start_worker(service),
        wants_body=AuthenticateHead(app, operations_by_endpoint(), service.bridge.access.authenticate),
        limits=ConnectionLimits.for_descriptors(
            open_files_limit(), unfinished=service.settings.max_unfinished_requests
        ),
        readers=WaitingReaders(changes.find_heads, changes.skip_foreign, service.committed),
    )


def _service_or_exit(environ: Mapping[str, str]) -> Service:
    try:
        return build_service(environ)
    except SettingsInvalid as error:
        raise SystemExit(str(error)) from None


def _start_worker(service: Service) -> Callable[[], None]:
    """Start the worker that the process has without Redis. Returns what to call at the end."""
    _check_encryption_key(service.settings)
    freeze_gc()
    if service.broker is not None:
        return lambda: None
    worker = service.worker()
    worker.start()
    service.mailbox.watch(worker.is_healthy)
    return worker.stop


def _check_encryption_key(settings: Settings) -> None:
    """With a connection of its own: those of the service must not be shared with processes that are forked later."""
    clock = AnchoredClock()
    store = SqlStore(create_engine(settings.database_url, pool_size=1, anchor=clock))
    try:
        CheckEncryptionKey(EncryptionKey(store, clock, FernetVault(settings.encryption_keys)))()
    finally:
        store.close()


def _web_app_of(service: Service) -> Flask:
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
    if service.tracing is not None:
        app.wsgi_app = service.tracing.serving(app.wsgi_app)  # type: ignore[method-assign]  # as documented
    schema = Schema(settings.database_url)
    context = CommandContext(
        bridge=service.bridge,
        migrate=schema.migrate,
        current_revision=schema.current_revision,
        newest_revision=schema.newest_revision,
        run_worker=service.run_worker,
        quiet_logs=_keep_logs if settings.log_level_is_set else only_warnings_on_a_terminal,
    )
    register_commands(app, context)
    return app


def _keep_logs() -> None:
    """An operator who chose a level gets it."""


def start_worker() -> None:
    """For dramatiq's own command, which calls this in each of its processes and then works with the broker set here."""
    service = _service_or_exit(os.environ)
    if service.broker is None:
        raise SystemExit("REDIS_URL is missing: without Redis, run `flask worker` instead of dramatiq.")
    _check_encryption_key(service.settings)
    freeze_gc()
    attach_to_dramatiq(service.broker, Jobs(service.bridge), service.worker())

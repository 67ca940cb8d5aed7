"""The service: the bridge on its adapters, built from the environment."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from stripe_bridge.adapters import queue
from stripe_bridge.adapters.clock import AnchoredClock
from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.adapters.env_file import load_env_file
from stripe_bridge.adapters.logs import configure_logging
from stripe_bridge.adapters.tracing import find_tracing
from stripe_bridge.bootstrap.adapters import build_adapters
from stripe_bridge.bootstrap.loading import Later, load, once
from stripe_bridge.bootstrap.use_cases import build_bridge
from stripe_bridge.bridge import Bridge
from stripe_bridge.config import Settings, SettingsInvalid
from stripe_bridge.ports.committed_changes import CommittedChanges
from stripe_bridge.ports.metrics import Metrics
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.receivers.encryption_key import CheckEncryptionKey, EncryptionKey

if TYPE_CHECKING:
    from stripe_bridge.adapters.tracing.open_telemetry import OpenTelemetryTracing

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """`mailbox` has this process's nudges; with Redis, `broker` has those of all processes, and is made when it is needed."""

    settings: Settings
    bridge: Bridge
    clock: Clock
    metrics: Metrics
    committed: CommittedChanges
    tracing: OpenTelemetryTracing | None
    mailbox: queue.InProcessNudges
    find_broker: Callable[[], queue.Broker | None]
    deferred: Sequence[Later]

    @property
    def broker(self) -> queue.Broker | None:
        return self.find_broker()

    def load(self) -> None:
        """Load what was left for later: before serving, and before another release may take its place on the disk."""
        for each in self.deferred:
            each.load()


def build_service(environ: Mapping[str, str] | None = None, *, lazily: bool = False) -> Service:
    """From this process's environment and `.env`, if nothing else is given. Raises SettingsInvalid."""
    env_file = load_env_file() if environ is None else None
    environ = os.environ if environ is None else environ
    settings = Settings.from_env(environ)
    configure_logging(settings.log_level, json=settings.log_format == "json")
    if env_file is not None:
        _log.info("settings file read", extra={"file": str(env_file)})
    for former, name in settings.deprecated.items():
        _log.warning("setting renamed", extra={"setting": former, "use": name})
    mailbox = queue.InProcessNudges()
    url = settings.redis_url
    find_broker = once(lambda: None if url is None else queue.redis_broker(url))
    nudges = mailbox if url is None else Later(once(lambda: queue.DramatiqNudges(find_broker())))
    try:
        tracing = find_tracing(environ)
    except ImportError as error:
        raise SettingsInvalid([f"OTEL_EXPORTER_OTLP_ENDPOINT needs the extra `tracing`: {error}"]) from None
    adapters = build_adapters(settings, nudges, tracing, lazily=lazily)
    return Service(
        settings=settings,
        bridge=build_bridge(settings, adapters),
        clock=adapters.clock,
        metrics=adapters.metrics,
        committed=adapters.committed,
        tracing=tracing,
        mailbox=mailbox,
        find_broker=find_broker,
        deferred=[
            each
            for each in (getattr(adapters, field.name) for field in fields(adapters))
            if isinstance(each, Later)
        ],
    )


def service_or_exit(environ: Mapping[str, str] | None = None, *, lazily: bool = False) -> Service:
    """The same. Exits with one sentence for each setting that is missing or wrong."""
    try:
        return build_service(environ, lazily=lazily)
    except SettingsInvalid as error:
        raise SystemExit(str(error)) from None


def check_encryption_key(settings: Settings) -> None:
    """With a connection of its own: those of the service must not be shared with processes that are forked later."""
    clock, vault = AnchoredClock(), load("adapters.vault:FernetVault")(settings.encryption_keys)
    store = SqlStore(create_engine(settings.database_url, pool_size=1, anchor=clock))
    try:
        CheckEncryptionKey(EncryptionKey(store, clock, vault))()
    finally:
        store.close()

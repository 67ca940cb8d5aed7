"""Whether anything is traced. Traces do not pass through the queue: a nudge stands for any number of events and intents, so
the work after it belongs to no single request. The ids of intents and events link one trace to the other."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stripe_bridge.adapters.tracing.open_telemetry import OpenTelemetryTracing

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def find_tracing(environ: Mapping[str, str]) -> OpenTelemetryTracing | None:
    """The adapter if OpenTelemetry's own variables name a collector, else None.

    Raises ImportError if they do but the libraries are not installed.
    """
    is_off = (
        environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
        or environ.get("OTEL_TRACES_EXPORTER") == "none"
    )
    if is_off or not any(environ.get(name) for name in _ENDPOINTS):
        return None
    # Not an import statement: the SDK costs memory in every process, and only those who want traces have to install it.
    tracing: OpenTelemetryTracing = importlib.import_module(
        f"{__name__}.open_telemetry"
    ).OpenTelemetryTracing()
    return tracing

"""Traces, sent to an OpenTelemetry collector over OTLP/HTTP.

Imported only if tracing is on: the SDK costs each process some megabytes. It is configured by OpenTelemetry's own environment
variables, such as OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from stripe_bridge.ports.tracing import Fact, Note

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_SERVICE = "stripe-bridge"


class OpenTelemetryTracing:
    """Spans are sent in batches from a thread of their own; if the collector is unreachable, they are dropped."""

    def __init__(self) -> None:
        resource = Resource.create()
        if str(resource.attributes["service.name"]).startswith("unknown_service"):
            resource = resource.merge(Resource({"service.name": _SERVICE}))
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer(_SERVICE)
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(self, name: str, facts: dict[str, Fact], *, is_call: bool = False) -> Iterator[Note]:
        kind = SpanKind.CLIENT if is_call else SpanKind.INTERNAL
        with self._tracer.start_as_current_span(
            name, kind=kind, attributes=facts, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span.set_attribute
            except BaseException as error:
                # Its message may contain what must not leave this service.
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(Status(StatusCode.ERROR))
                raise

    def serving(self, app: WSGIApplication) -> WSGIApplication:
        """The application with a span around each request, in the caller's trace if it names one."""

        def traced(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            carrier = {"traceparent": environ.get("HTTP_TRACEPARENT", "")}
            method = environ["REQUEST_METHOD"]
            with self._tracer.start_as_current_span(
                method,
                context=self._propagator.extract(carrier),
                kind=SpanKind.SERVER,
                attributes={"http.request.method": method},
                record_exception=False,
                set_status_on_exception=False,
            ) as span:

                def start(status: str, *more: Any) -> Callable[[bytes], object]:
                    # By its route: a path has ids in it, and a query may hold an OAuth code.
                    rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
                    if rule is not None:
                        span.update_name(f"{method} {rule.rule}")
                        span.set_attribute("http.route", rule.rule)
                    span.set_attribute("http.response.status_code", int(status[:3]))
                    if status.startswith("5"):
                        span.set_status(Status(StatusCode.ERROR))
                    return start_response(status, *more)

                return app(environ, start)

        return traced

    def close(self) -> None:
        """Send what has not been sent yet."""
        self._provider.shutdown()

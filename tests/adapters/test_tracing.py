"""Traces of a real service, as a collector receives them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.journeys.people import Erp, browser
from tests.journeys.stack import Combination, Stack
from tests.servers.answering import Answering
from tests.waiting import wait_until


class Collector(Answering):
    """Listens for OTLP over HTTP, and keeps each span with its service's name."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Any]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.path == "/v1/traces"
                collector._take(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        super().__init__(Handler)
        self.url = self.address

    def _take(self, request: ExportTraceServiceRequest) -> None:
        for group in request.resource_spans:
            (name,) = (
                each.value.string_value for each in group.resource.attributes if each.key == "service.name"
            )
            for scope in group.scope_spans:
                self.spans += [(name, span) for span in scope.spans]

    def named(self, name: str) -> list[Any]:
        return [span for _, span in self.spans if span.name == name]

    def parents_of(self, span: Any) -> list[str]:
        """The names of the spans around it, the nearest first."""
        by_id = {each.span_id: each for _, each in self.spans}
        names = []
        while (span := by_id.get(span.parent_span_id)) is not None:
            names.append(span.name)
        return names


def facts(span: Any) -> dict[str, Any]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


@pytest.fixture(scope="module")
def traced(
    tmp_path_factory: pytest.TempPathFactory, sqlite_databases: Any
) -> Iterator[tuple[Collector, Stack]]:
    """A service with a collector named in its environment, which has processed an order up to its payment."""
    folder = tmp_path_factory.mktemp("traced")
    with Collector() as collector:
        settings = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "RECONCILE_SECONDS": "1",
        }
        stack = Stack(
            Combination(database="sqlite", settings=settings),
            database_url=sqlite_databases.fresh(folder),
            redis_url=None,
            folder=folder,
        )
        with stack, browser() as http:
            erp = Erp(stack, http)
            erp.new_order()
            erp.paid(erp.connect())
            yield collector, stack


def test_a_request_is_a_span_by_its_route_with_the_calls_to_stripe_that_it_made(traced):
    collector, _ = traced
    wait_until(lambda: collector.named("POST /api/stripe/invoices"))

    (sent,) = collector.named("POST /api/stripe/invoices")
    (finalized,) = collector.named("Stripe POST /v1/invoices/{id}/finalize")

    assert facts(sent)["http.response.status_code"] == 201
    assert facts(finalized)["http.response.status_code"] == 200
    assert facts(finalized)["stripe.account"].startswith("acct_")
    assert collector.parents_of(finalized) == [
        "call finalize",
        "settle intent",
        "POST /api/stripe/invoices",
    ]
    assert {name for name, _ in collector.spans} == {"stripe-bridge"}


def test_applying_an_event_and_reconciling_an_account_are_spans_of_their_own(traced):
    collector, _ = traced
    wait_until(lambda: collector.named("apply invoice.paid") and collector.named("reconcile"))

    applied, reconciled = collector.named("apply invoice.paid")[0], collector.named("reconcile")[0]

    assert facts(applied)["stripe.event"].startswith("evt_")
    assert collector.parents_of(applied) == []
    assert facts(reconciled)["integration.id"] >= 1
    wait_until(
        lambda: any(
            collector.parents_of(listed) == ["reconcile"]
            for listed in collector.named("Stripe GET /v1/events")
        )
    )


def test_spans_hold_no_secret_and_nothing_of_a_customer(traced):
    collector, stack = traced
    wait_until(lambda: collector.named("apply invoice.paid"))

    everything = str([(span.name, facts(span)) for _, span in collector.spans])

    for shown in ("sk_test", "whsec_", "rt_", "code=", "state=", "@", "Oak", stack.env["ENCRYPTION_KEYS"]):
        assert shown not in everything


PROGRAM = """
import sys
from stripe_bridge.bootstrap.service import build_service
import os
build_service(os.environ)
sys.stdout.write(" ".join(name for name in sys.modules if name.partition(".")[0] == "opentelemetry"))
"""


@pytest.mark.parametrize(
    ("env", "is_loaded"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9/v1/traces"}, True),
    ],
)
def test_without_a_collector_to_send_to_nothing_of_opentelemetry_is_loaded(
    env: dict[str, str], is_loaded: bool, tmp_path: Path
):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    ours = {
        "PUBLIC_URL": "https://bridge.test",
        "STRIPE_SECRET_KEY": "sk_test_1",
        "STRIPE_CLIENT_ID": "ca_1",
        "ENCRYPTION_KEYS": "A" * 43 + "=",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'bridge.db'}",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**inherited, **ours, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert bool(done.stdout) is is_loaded

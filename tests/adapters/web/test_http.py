"""What is true of every exchange."""

import importlib
import json
import logging
import pkgutil
import time
from importlib.metadata import version

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder

from stripe_bridge import domain, ports
from stripe_bridge.adapters.web.problems import (
    RequestInvalid,
    TooManyAttempts,
    register_error_handlers,
    row_of,
)
from stripe_bridge.adapters.web.wsgi_in_threads import ENQUEUED_AT
from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.webhook_event import MAX_PAYLOAD_BYTES
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from stripe_bridge.ports.stripe.errors import GatewayError
from stripe_bridge.ports.vault import SealBroken
from tests.adapters.web.world import World, problem

PATH = "/api/stripe/integrations"
ORIGIN = "https://erp.test"


def every_error(root=BridgeError):
    for child in root.__subclasses__():
        yield child
        yield from every_error(child)


def test_every_error_has_a_row_in_the_table():
    for package in (domain, ports):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    # Names with an underscore are only used within their module.
    leaving = {each for each in every_error() if not each.__name__.startswith("_")}
    assert {StoreUnavailable, GatewayError, SealBroken} <= leaving
    assert {each.__name__ for each in leaving if row_of(each) is None} == set()


def test_the_root_has_no_row_so_that_a_new_branch_needs_one():
    assert row_of(BridgeError) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b'{"name": }',
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": "a", "name": "b"}',
        b"{'name': 'a'}",
        b'\xff{"name": "a"}',
        b"[" * 100_000,
        b'{"name": "a"} x',
        '{"name": "a"}'.encode("utf-16"),
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_no_json_is_a_400(world, raw):
    assert problem(world.ask("POST", PATH, raw=raw), 400)["message"] == "The request is malformed."


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "text/plain", "application/xml", None]
)
def test_a_body_that_does_not_say_it_is_json_is_a_415(world, content_type):
    problem(world.ask("POST", PATH, raw=b"name=x", content_type=content_type), 415)


def test_a_body_over_the_limit_is_a_413(world):
    raw = json.dumps({"name": "x" * MAX_PAYLOAD_BYTES}).encode()
    problem(world.ask("POST", PATH, raw=raw), 413)


def test_an_unknown_address_and_a_wrong_method_are_problems_too(world):
    problem(world.client.get("/nowhere"), 404)
    problem(world.client.get("/api/stripe/nowhere"), 404)
    answer = world.ask("DELETE", PATH)
    problem(answer, 405)
    assert {"GET", "POST"} <= {method.strip() for method in answer.headers["Allow"].split(",")}


def test_a_failure_of_ours_reveals_nothing_and_logs_all(world, caplog):
    def broken(*_):
        raise RuntimeError("password=hunter2 at /srv/secret.py")

    world.app.view_functions["Health.show_health"] = broken
    answer = world.client.get("/healthz")
    body = problem(answer, 500)
    assert "hunter2" not in answer.get_data(as_text=True)
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info[0] is RuntimeError
    assert body["type"] == "about:blank"


def test_a_secret_that_cannot_be_opened_is_a_failure_of_ours():
    app = Flask("test")
    register_error_handlers(app)
    with app.test_request_context():
        answer = app.make_response(app.handle_user_exception(SealBroken()))
    assert answer.status_code == 500
    assert "encryption" not in answer.get_data(as_text=True)


def test_a_store_that_is_away_is_a_503_with_a_time_to_come_again(world):
    token = world.token()
    world.store.is_available = False
    answer = world.ask("GET", PATH, token=token)
    assert problem(answer, 503)["message"] == "The service is temporarily unavailable."
    assert int(answer.headers["Retry-After"]) > 0


def test_programs_can_distinguish_problems_by_type(world):
    refused = problem(world.ask("GET", f"{PATH}/999"), 404)
    assert refused["type"] == "urn:stripe-bridge:problem:IntegrationNotFound"
    for error in (RequestInvalid, TooManyAttempts):
        assert not issubclass(error, BridgeError)


@pytest.mark.parametrize("given", ["abc-123", "0B5E:x/y+z=._", "x" * 128])
def test_a_callers_request_id_comes_back(world, given):
    for path in ("/healthz", "/nowhere", PATH):
        assert world.client.get(path, headers={"X-Request-Id": given}).headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", " ", "a b", "x" * 129, "<script>", "é", '{"a":1}'])
def test_a_request_id_that_is_none_is_replaced(world, given):
    answered = world.client.get("/healthz", headers={"X-Request-Id": given}).headers["X-Request-Id"]
    assert answered != given
    assert len(answered) == 32


def test_each_request_has_one_line_in_the_log_without_its_path_or_query(world, caplog):
    caplog.set_level(logging.INFO)
    world.client.get("/api/stripe/oauth/callback?state=state-secret&code=ac_secret")
    (record,) = [record for record in caplog.records if record.message == "request"]
    assert (record.method, record.route, record.status) == ("GET", "/api/stripe/oauth/callback", 400)
    assert record.ms >= 0
    logged = " ".join(str(vars(record)) for record in caplog.records)
    assert "secret" not in logged


def test_every_answer_keeps_browsers_careful(world):
    for path in ("/healthz", "/docs", "/openapi.json", "/nowhere", PATH):
        headers = world.client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert world.client.get(PATH).headers["Cache-Control"] == "no-store"


def test_no_other_origin_is_let_in_by_default(world):
    answer = world.client.options(PATH, headers={"Origin": ORIGIN, "Access-Control-Request-Method": "POST"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_configured_origin_may_call_and_read_what_it_needs():
    world = World(cors_origins=(ORIGIN,))
    preflight = world.client.options(
        PATH,
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type",
        },
    )
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "authorization" in preflight.headers["Access-Control-Allow-Headers"].lower()
    answer = world.ask("GET", f"{PATH}/999", headers={"Origin": ORIGIN})
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "X-Request-Id" in answer.headers["Access-Control-Expose-Headers"]
    other = world.ask("GET", PATH, headers={"Origin": "https://evil.test"})
    assert "Access-Control-Allow-Origin" not in other.headers


def test_the_service_is_ready_when_all_it_needs_is_there(world):
    assert world.client.get("/healthz").get_json() == {"status": "ok", "version": version("stripe-bridge")}
    answer = world.client.get("/readyz")
    assert answer.status_code == 200
    everything = {"database": "ok", "queue": "ok", "secrets": "ok", "clock": "ok"}
    assert answer.get_json() == {"status": "ok", "checks": everything}


def test_the_service_says_what_keeps_it_from_being_ready(world):
    world.nudges.is_available = False
    answer = world.client.get("/readyz")
    assert (answer.status_code, answer.get_json()) == (
        503,
        {
            "status": "unavailable",
            "checks": {
                "database": "ok",
                "queue": "The queue is temporarily unavailable.",
                "secrets": "ok",
                "clock": "ok",
            },
        },
    )
    assert world.client.get("/healthz").status_code == 200


def test_a_request_that_waited_too_long_for_a_thread_is_refused(world):
    came_at = {ENQUEUED_AT: time.perf_counter() - 31}
    late = world.client.get("/healthz", environ_overrides=came_at)
    assert problem(late, 503)["message"] == "Service Unavailable."
    assert late.headers["Retry-After"] == "5"
    assert world.client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "//healthz",
        "//elsewhere/healthz",
        "/api//stripe/integrations",
        "/docs//",
        "/docs/",
        "/docs/scalar//nothing",
        "/healthz/",
        "/api/stripe/integrations/?per_page=1",
        "/api/stripe/integrations?per_page=1",
        "/api/stripe/oauth/callback?error=access_denied",
        "/openapi.json",
        "/nowhere",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS"])
def test_no_answer_follows_the_host_header(world, path, method):
    """Whoever chooses it, as some caches and links let anyone do, must not choose where others are sent."""
    world.create_integration()
    world.create_integration()
    headers = [("Authorization", f"Bearer {world.token()}"), ("X-Forwarded-Host", "evil.example")]
    headers.append(("Accept", "text/html"))
    environ = EnvironBuilder(method=method, base_url="http://evil.example", headers=headers).get_environ()
    environ["PATH_INFO"], _, environ["QUERY_STRING"] = path.partition("?")
    answer = world.client.open(environ)
    is_elsewhere = answer.status_code in (301, 302, 303, 307, 308) and answer.headers["Location"] != "/docs"
    assert not is_elsewhere or path.startswith("/api/stripe/oauth")
    assert "evil.example" not in str(answer.headers)
    assert b"evil.example" not in answer.data

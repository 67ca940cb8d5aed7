"""`python -m stripe_bridge`: what it says before it serves. That it serves is what the journeys show."""

import socket

import pytest
from click.testing import CliRunner

from stripe_bridge.__main__ import serve
from tests.adapters.web.world import ENVIRONMENT


def run(*arguments, **environment):
    return CliRunner().invoke(serve, arguments, env=environment)


def test_settings_that_make_no_sense_are_told_at_once():
    told = run(**{**ENVIRONMENT, "ENCRYPTION_KEYS": "short"})
    assert told.exit_code == 1
    assert "ENCRYPTION_KEYS" in told.output


def test_a_port_that_somebody_else_has_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = run("--port", str(port), **ENVIRONMENT)
    assert told.exit_code == 1
    assert f"Cannot listen at 127.0.0.1, port {port}" in told.output


def test_more_than_one_process_is_refused_without_redis():
    told = run("--workers", "2", **ENVIRONMENT)
    assert told.exit_code == 2
    assert "REDIS_URL" in told.output


@pytest.mark.parametrize("arguments", [("--workers", "0"), ("--port", "70000"), ("--port", "x")])
def test_options_that_make_no_sense_are_refused(arguments):
    assert run(*arguments, **ENVIRONMENT).exit_code == 2

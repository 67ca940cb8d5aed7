"""The programs that the playground runs."""

import os
import socket

import pytest
import requests

from stripe_bridge_playground.faults import Fault
from stripe_bridge_playground.programs import Commands, Program
from tests.servers.processes import free_port


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def http():
    with requests.Session() as session:
        yield session


@pytest.fixture
def web_server(tmp_path, port):
    arguments = ["http.server", str(port), "--bind", "127.0.0.1"]
    url = f"http://127.0.0.1:{port}/setup.cfg"
    program = Program("web server", arguments, env=os.environ, log=tmp_path / "log", ready_at=url)
    yield program
    program.stop()


def test_a_program_answers_once_it_is_ready_and_is_gone_once_stopped(web_server, http, port):
    web_server.wait_until_ready(http)
    web_server.check()
    web_server.stop()
    with pytest.raises(Fault, match="The web server ended"):
        web_server.check()
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0


def test_a_program_that_ends_by_itself_is_reported_with_its_last_output(tmp_path, http, port):
    (tmp_path / "log").write_text("of an earlier start\n")
    url = f"http://127.0.0.1:{port}/"
    program = Program("web server", ["http.server", "x"], env=os.environ, log=tmp_path / "log", ready_at=url)
    with pytest.raises(Fault, match="ended with status 2") as fault:
        program.wait_until_ready(http)
    program.stop()
    assert "invalid int value: 'x'" in str(fault.value)
    assert "earlier" not in str(fault.value)


@pytest.fixture
def commands():
    started = Commands({**os.environ, "FLASK_SKIP_DOTENV": "1"})
    yield started
    started.close()


def test_commands_return_what_they_print_and_a_failed_one_is_reported_with_its_output(commands):
    with pytest.raises(Fault, match=r"`flask keys nothing` ended with status 2:\n(?s:.*)No such command"):
        commands.run("keys", "nothing")
    assert commands.run("keys", "generate").strip()


def test_that_the_process_of_the_commands_has_ended_is_reported(tmp_path):
    commands = Commands({**os.environ, "PYTHONHOME": str(tmp_path)})
    with pytest.raises(Fault, match="has ended by itself"):
        commands.run("keys", "generate")
    commands.close()

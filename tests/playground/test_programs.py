"""The programs that the playground runs."""

import os
import socket

import pytest
import requests

from stripe_bridge_playground.faults import Fault
from stripe_bridge_playground.programs import Program, run
from stripe_bridge_playground.settings import reserved_port


@pytest.fixture
def port():
    return reserved_port()


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


def test_a_failed_command_is_reported_with_its_output():
    with pytest.raises(Fault, match="No module named"):
        run([["no_such_module"]], os.environ)


def test_commands_run_one_after_another_until_one_fails(tmp_path):
    january, february = run([["calendar", "2026", "1"], ["calendar", "2026", "2"]], os.environ)
    assert "January 2026" in january
    assert "February 2026" in february
    packed, never_packed = tmp_path / "packed.zip", tmp_path / "never-packed.zip"
    pack = ["zipfile", "-c", str(packed), __file__]
    with pytest.raises(Fault, match="invalid int value: 'x'"):
        run([pack, ["calendar", "x"], ["zipfile", "-c", str(never_packed), __file__]], os.environ)
    assert packed.exists()
    assert not never_packed.exists()

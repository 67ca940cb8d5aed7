"""`python -m stripe_bridge`: what it says before it serves. The journeys show that it serves."""

import asyncio
import contextlib
import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import uvloop
from click.testing import CliRunner
from uvicorn.config import STARTUP_FAILURE

from stripe_bridge.adapters.web import server
from stripe_bridge.adapters.web.waiting_readers import MOST_OF_TOKEN
from stripe_bridge.bootstrap.early_commands import web
from stripe_bridge_playground.settings import reserved_port
from tests.adapters.web.world import ENVIRONMENT
from tests.servers.processes import spawn, stop
from tests.waiting import wait_until

# A process that ends while it is checked is noticed when the time for that is up; a busy machine needs some of it for one that
# is only just starting.
HASTILY = """
from stripe_bridge.adapters.web import server
from stripe_bridge.bootstrap.early_commands import web
server._HEALTHCHECK_TIMEOUT = 20
web()
"""


def run(*arguments, **environment):
    return CliRunner().invoke(web, arguments, env=environment)


def test_invalid_settings_are_reported_at_once():
    shown = run(**{**ENVIRONMENT, "ENCRYPTION_KEYS": "short"})
    assert shown.exit_code == 1
    assert "ENCRYPTION_KEYS" in shown.output


def test_a_setting_under_its_former_name_is_warned_of_at_the_start(tmp_path):
    started = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi:app", "db", "upgrade"],
        env={
            **os.environ,
            **ENVIRONMENT,
            "DATABASE_URL": f"sqlite:///{tmp_path / 'bridge.sqlite'}",
            "WORKER_REST": "2",
        },
        capture_output=True,
        text=True,
        check=True,
    )

    (record,) = map(json.loads, started.stderr.splitlines())
    assert (record["level"], record["event"]) == ("warning", "setting renamed")
    assert (record["setting"], record["use"]) == ("WORKER_REST", "WORKER_PAUSE_FACTOR")


def test_a_port_in_use_is_reported():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        shown = run("--port", str(port), **ENVIRONMENT)
    assert shown.exit_code == 1
    assert f"Cannot listen on 127.0.0.1, port {port}" in shown.output


@pytest.mark.slow
@pytest.mark.parametrize("is_shared", [False, True])
def test_a_port_that_is_shared_with_another_process_is_warned_of(tmp_path, is_shared):
    """It is how a new release starts, but two services with different settings would each get some of the requests."""
    with server._bind("127.0.0.1", reserved_port()) as other:
        if is_shared:
            other.listen()
        log, port = tmp_path / "log", other.getsockname()[1]
        own = {"DATABASE_URL": f"sqlite:///{tmp_path}/bridge.sqlite"}
        command = [sys.executable, "-m", "stripe_bridge", "--port", str(port)]
        process = spawn(command, log=log, env={**os.environ, **ENVIRONMENT, **own})
        wait_until(lambda: "Application startup complete" in log.read_text())
        assert stop(process, signal.SIGTERM) == 0
    records = [json.loads(line) for line in log.read_text().splitlines()]
    warned_of = [(each["level"], each["port"]) for each in records if each["event"] == "port shared"]
    assert warned_of == ([("warning", port)] if is_shared else [])


def test_more_than_one_process_is_refused_without_redis():
    shown = run("--workers", "2", **ENVIRONMENT)
    assert shown.exit_code == 2
    assert "REDIS_URL" in shown.output


@pytest.mark.parametrize("workers", [1, 2])
def test_processes_that_can_never_start_are_not_started_again(tmp_path, workers):
    """For example, without the extra `tracing`, which only those who trace need."""
    (tmp_path / "opentelemetry.py").write_text("raise ImportError('not installed')\n")
    ended = subprocess.run(
        [sys.executable, "-c", HASTILY, "--port", str(reserved_port()), "--workers", str(workers)],
        env={
            **os.environ,
            **ENVIRONMENT,
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
            "PYTHONPATH": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == STARTUP_FAILURE
    assert "OTEL_EXPORTER_OTLP_ENDPOINT needs the extra `tracing`" in ended.stderr


@pytest.mark.parametrize("arguments", [("--workers", "0"), ("--port", "70000"), ("--port", "x")])
def test_options_that_make_no_sense_are_refused(arguments):
    assert run(*arguments, **ENVIRONMENT).exit_code == 2


@pytest.mark.slow
def test_all_that_several_processes_log_are_records(tmp_path: Path):
    """Including what their supervisor logs."""
    log = tmp_path / "log"
    own = {"DATABASE_URL": f"sqlite:///{tmp_path}/bridge.sqlite", "REDIS_URL": "redis://127.0.0.1:1/0"}
    command = [sys.executable, "-m", "stripe_bridge", "--workers", "2", "--port", str(reserved_port())]
    process = spawn(command, log=log, env={**os.environ, **ENVIRONMENT, **own})
    wait_until(lambda: log.read_text().count("Application startup complete") == 2)
    assert stop(process, signal.SIGTERM) == 0
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert {f"Started parent process [{process.pid}]", "Received SIGTERM, exiting."} <= {
        record["event"] for record in records
    }


def children_of(pid: int) -> set[int]:
    """Those that serve: the other one is multiprocessing's resource tracker."""
    return {
        int(child)
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    }


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def two_workers(tmp_path: Path):
    own = {"DATABASE_URL": f"sqlite:///{tmp_path}/bridge.sqlite", "REDIS_URL": "redis://127.0.0.1:1/0"}
    log = tmp_path / "log"
    port = reserved_port()
    command = [sys.executable, "-m", "stripe_bridge", "--workers", "2", "--port", str(port)]
    process = spawn(command, log=log, env={**os.environ, **ENVIRONMENT, **own})
    wait_until(lambda: log.read_text().count("Application startup complete") == 2)
    yield process, port
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("replaced", [False, True])
def test_processes_end_with_the_one_that_started_them_even_if_it_is_killed(two_workers, replaced):
    """Otherwise the next start would share the port with them, and they would go on answering with the old settings."""
    parent, port = two_workers
    children = children_of(parent.pid)
    assert len(children) == 2
    if replaced:
        # One that died is started again, in another place of uvicorn's.
        os.kill(min(children), signal.SIGKILL)
        # uvicorn may be waiting for its answer to a ping, for half a minute.
        children = wait_until(lambda: _two_others(parent.pid, children), within=90)
    parent.kill()
    parent.wait()
    wait_until(lambda: not any(is_running(each) for each in children))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def _two_others(pid: int, before: set[int]) -> set[int]:
    now = children_of(pid)
    return now if len(now) == 2 and now != before else set()


class Asked:
    """A reader of the feed on a connection of its own."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Authorization": f"Bearer {token}", "Connection": "close"}
        self._connection.request("GET", "/api/changes?after=1&wait=25", headers=headers)

    def is_answered(self) -> bool:
        readable, _, _ = select.select([self._connection.sock], [], [], 0)
        return bool(readable)

    def answer(self) -> tuple[int, Message, bytes]:
        answer = self._connection.getresponse()
        body = answer.read()
        self._connection.close()
        return answer.status, answer.headers, body


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_whoever_waits_for_changes_is_answered_when_the_process_is_to_end(
    tmp_path: Path, sqlite_url: str, number: signal.Signals
):
    environment = {**ENVIRONMENT, "DATABASE_URL": sqlite_url}
    token = _new_token(environment)
    log, port = tmp_path / "log", reserved_port()
    command = [sys.executable, "-m", "stripe_bridge", "--port", str(port)]
    process = spawn(command, log=log, env={**os.environ, **environment})
    wait_until(lambda: "Application startup complete" in log.read_text())
    # Once one too many is refused, all others wait.
    readers = [Asked(port, token) for _ in range(MOST_OF_TOKEN + 1)]
    refused: Any = wait_until(lambda: next((each for each in readers if each.is_answered()), None))
    _, headers, _ = refused.answer()
    assert headers["Retry-After"] == "5"
    readers.remove(refused)
    assert not any(each.is_answered() for each in readers)
    process.send_signal(number)
    for reader in readers:
        status, _, body = reader.answer()
        assert (status, json.loads(body)["data"]) == (200, [])
    assert process.wait(60) == 0


def _new_token(environment: dict[str, str]) -> str:
    made = subprocess.run(
        [
            *(sys.executable, "-m", "flask", "--app", "wsgi:app", "tokens", "create", "--tenant", "acme"),
            *("--new-tenant", "--role", "viewer", "--json"),
        ],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    token: str = json.loads(made.stdout)["token"]
    return token


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with server._bind("127.0.0.1", reserved_port()) as bound:
        bound.listen()
        yield bound


def test_little_of_what_a_client_sends_waits_in_the_kernel_to_be_read_at_once(listening):
    """Hundreds may send a long body at the same moment: all that waits is read in one turn of the event loop."""
    with socket.create_connection(listening.getsockname()) as client:
        client.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < 1_000_000:
                sent += client.send(b"x" * 50_000)
        accepted, _ = listening.accept()
        with accepted:
            assert len(accepted.recv(1_000_000)) <= 48 * 1024


def test_a_burst_of_newcomers_does_not_hold_up_a_client_that_is_connected(listening):
    """The event loop takes in a few of them in a turn, not all that wait."""
    before_it_was_read, _ = _served_in_a_burst(server._shared(listening))
    assert before_it_was_read <= 3 * server._ACCEPTED_AT_ONCE


def test_newcomers_do_not_wait_for_a_turn_of_the_event_loop_each(listening):
    """Thousands may wait, and a turn can take milliseconds."""
    _, turns = _served_in_a_burst(server._shared(listening))
    assert turns <= 201 / server._ACCEPTED_AT_ONCE + 20


def _served_in_a_burst(listening: list[socket.socket]) -> tuple[int, int]:
    """How many of 200 newcomers come before what a connected client sends is read, and in how many turns all have come."""
    accepted: list[asyncio.BaseTransport] = []
    before_it_was_read: list[int] = []
    turns = [0]
    one_is_in, all_are_in = asyncio.Event(), asyncio.Event()

    class Served(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted.append(transport)
            one_is_in.set()
            if len(accepted) == 201:
                all_are_in.set()

        def data_received(self, data: bytes) -> None:
            before_it_was_read.append(len(accepted))

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        serving = [await loop.create_server(Served, sock=each, backlog=500) for each in listening]
        client, *newcomers = [socket.socket() for _ in range(201)]
        client.setblocking(False)
        await loop.sock_connect(client, listening[0].getsockname())
        await one_is_in.wait()
        # While they come, the loop does nothing else.
        for each in newcomers:
            each.connect(listening[0].getsockname())
        client.send(b"x")
        while not all_are_in.is_set():
            turns[0] += 1
            await asyncio.sleep(0)
        for each in [client, *newcomers]:
            each.close()
        for one in serving:
            one.close()
        for descriptor in listening[1:]:
            descriptor.close()

    uvloop.run(asyncio.wait_for(serve(), 60))
    return before_it_was_read[0], turns[0]

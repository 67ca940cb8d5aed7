"""`/metrics` of a service of several processes, while they are killed and replaced."""

import contextlib
import http.client
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from stripe_bridge.config import Settings, SettingsInvalid
from stripe_bridge_playground.settings import reserved_port
from tests.adapters.web.world import ENVIRONMENT
from tests.servers.processes import spawn, stop
from tests.test_serving import children_of
from tests.waiting import wait_until

TOKEN = "metrics-token"
GAUGES = ("stripe_bridge_process_resident_bytes",)
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
BOOTING = ["dramatiq", "stripe_bridge.bootstrap:start_worker", "--processes", "2", "--threads", "1"]


def samples_of(page: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def scrape(port: int) -> Samples:
    answer = requests.get(
        f"http://127.0.0.1:{port}/metrics",
        headers={"Authorization": f"Bearer {TOKEN}", "Connection": "close"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    return samples_of(answer.text)


def processes_in(samples: Samples) -> set[str]:
    return {dict(labels)["process"] for name, labels in samples if name in GAUGES}


class Scraper:
    """Scrapes ten times a second, and keeps what fell between two scrapes."""

    def __init__(self, port: int) -> None:
        self._port, self._ending = port, threading.Event()
        self.fallen: list[str] = []
        self.faults: list[str] = []
        self.scrapes = 0
        self.last: Samples = {}
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Scraper":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(0.1):
            # A connection to a process that is killed breaks.
            with contextlib.suppress(requests.ConnectionError):
                self._look()

    def _look(self) -> None:
        try:
            shown = scrape(self._port)
        except AssertionError as fault:
            self.faults.append(str(fault))
            return
        self.fallen += [
            f"{name} {dict(labels)}: {value} -> {shown.get((name, labels))}"
            for (name, labels), value in self.last.items()
            if name.endswith(("_total", "_count", "_sum", "_bucket"))
            and shown.get((name, labels), 0.0) < value
        ]
        self.scrapes += 1
        self.last = shown


@pytest.fixture
def environment(tmp_path: Path, sqlite_url: str) -> dict[str, str]:
    (tmp_path / "tmp").mkdir()
    return {
        **os.environ,
        **ENVIRONMENT,
        "DATABASE_URL": sqlite_url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "METRICS_TOKEN": TOKEN,
        "TMPDIR": str(tmp_path / "tmp"),
    }


@pytest.fixture
def service(tmp_path: Path, environment: dict[str, str]) -> Iterator[tuple[Any, int, Path]]:
    log, port = tmp_path / "log", reserved_port()
    command = [sys.executable, "-m", "stripe_bridge", "--workers", "2", "--port", str(port)]
    process = spawn(command, log=log, env=environment)
    wait_until(lambda: log.read_text().count("Application startup complete") == 2)
    yield process, port, log
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def ask(port: int, times: int) -> None:
    """Each on a connection of its own, so that the kernel hands them to any of the processes."""
    for _ in range(times):
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/api/stripe/invoices/1", headers={"Connection": "close"})
            connection.getresponse().read()
            connection.close()


def kill_one(parent: int, log: Path) -> None:
    starts = _starts(log)
    os.kill(min(children_of(parent)), signal.SIGKILL)
    wait_until(lambda: _starts(log) > starts)


def replace_all(parent: int, log: Path) -> None:
    starts, children = _starts(log), children_of(parent)
    os.kill(parent, signal.SIGHUP)
    wait_until(lambda: replaced(parent, children) and _starts(log) > starts + 1)


def replaced(parent: int, before: set[int]) -> set[int]:
    now = children_of(parent)
    return now if len(now) == 2 and not now & before else set()


@pytest.mark.slow
def test_counters_never_fall_while_processes_are_replaced_and_killed(service: tuple[Any, int, Path]):
    process, port, log = service
    with Scraper(port) as scraper:
        for killed in (False, True, False, True, False):
            ask(port, 20)
            (kill_one if killed else replace_all)(process.pid, log)
        ask(port, 20)
        seen = scraper.scrapes
        wait_until(lambda: scraper.scrapes > seen + 1)
    assert scraper.faults == []
    assert scraper.fallen == []
    counted = "stripe_bridge_request_seconds_count"
    of_route = {
        dict(labels)["route"]: value for (name, labels), value in scraper.last.items() if name == counted
    }
    # What broke with a killed process may be missing.
    assert of_route["/api/stripe/invoices/<id:invoice_id>"] > 90


def _starts(log: Path) -> int:
    return log.read_text().count("Application startup complete")


@pytest.mark.slow
def test_gauges_of_a_killed_process_vanish_and_its_counters_stay(
    service: tuple[Any, int, Path], tmp_path: Path
):
    process, port, _ = service
    ask(port, 20)
    before = scrape(port)
    assert processes_in(before) == {"0", "1"}
    os.kill(process.pid, signal.SIGSTOP)  # Nothing is started again.
    os.kill(min(children_of(process.pid)), signal.SIGKILL)
    after = wait_until(lambda: _with_processes(port, 1))
    counted = {key for key in before if key[0].endswith("_count")}
    assert all(after[key] >= before[key] for key in counted)
    os.kill(process.pid, signal.SIGCONT)
    wait_until(lambda: _with_processes(port, 2))
    assert stop(process, signal.SIGTERM) == 0
    assert list((tmp_path / "tmp").iterdir()) == []


def _with_processes(port: int, number: int) -> Samples:
    try:
        shown = scrape(port)
    except requests.ConnectionError:
        return {}
    return shown if len(processes_in(shown)) == number else {}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["its own", "dramatiq's"])
def test_workers_show_what_they_count_on_a_port_of_their_own(
    tmp_path: Path, environment: dict[str, str], redis_url: str, kind: str
):
    port = reserved_port()
    settings = {**environment, "REDIS_URL": redis_url, "WORKER_METRICS_PORT": str(port)}
    module, *arguments = BOOTING if kind == "dramatiq's" else ["flask", "--app", "wsgi:app", "worker"]
    process = spawn([sys.executable, "-m", module, *arguments], log=tmp_path / "log", env=settings)
    try:
        number = 2 if kind == "dramatiq's" else 1
        shown = wait_until(lambda: _with_processes(port, number))
        assert any(name == "stripe_bridge_build_info" for name, _ in shown)
        # What is waiting is shown by web processes, of which one suffices.
        assert not any("inbox" in name or "database" in name for name, _ in shown)
        refused = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=30)
        assert refused.status_code == 401
    finally:
        stop(process, signal.SIGTERM)


def test_a_port_for_workers_without_a_token_is_refused():
    with pytest.raises(SettingsInvalid, match="METRICS_TOKEN is missing"):
        Settings.from_env({**ENVIRONMENT, "WORKER_METRICS_PORT": "9465"})

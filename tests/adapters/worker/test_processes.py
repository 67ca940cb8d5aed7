"""Real worker processes: what work they do, and how they end."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from stripe_bridge.adapters.queue import DramatiqNudges, redis_broker
from tests.servers.processes import signal_another_thread, spawn
from tests.servers.redis import RedisServer
from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]
PROGRAM = "tests.adapters.worker.program"
OURS = (sys.executable, "-m", PROGRAM)
DRAMATIQS = (
    sys.executable,
    "-m",
    "dramatiq",
    f"{PROGRAM}:start_worker",
    "--processes",
    "1",
    "--threads",
    "1",
)
COMMANDS = [
    pytest.param(OURS, id="ours"),
    pytest.param(DRAMATIQS, id="dramatiq's", marks=pytest.mark.slow),
]
HAS_HEARD = ("worker stopping", "Stopping worker process")


class Worker:
    """A worker process, watched through its work."""

    def __init__(self, command: tuple[str, ...], folder: Path, redis_url: str | None, sweeps: str) -> None:
        self.folder = folder
        self.log = folder / "log"
        env = {**os.environ, "WORK_DIR": str(folder), "REDIS_URL": redis_url or "", "SWEEP_SECONDS": sweeps}
        self.process = spawn(list(command), log=self.log, on_parent_death=signal.SIGKILL, cwd=ROOT, env=env)

    def wait_until_it_swept(self) -> None:
        wait_until(lambda: self.rounds("ended"))

    def rounds(self, what: str) -> int:
        notes = self.folder / what
        return len(notes.read_text().splitlines()) if notes.exists() else 0

    def hold(self) -> None:
        (self.folder / "hold").touch()

    def let_go(self) -> None:
        (self.folder / "hold").unlink()

    def never_run_out(self) -> None:
        (self.folder / "endless").touch()

    def signal_to_stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        wait_until(lambda: any(words in self.log.read_text() for words in HAS_HEARD))

    def exit_status(self) -> int:
        return self.process.wait(60)

    def kill(self) -> None:
        """Kill it, with the processes that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


Begin = Callable[..., Worker]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Start a worker that has made its first sweep."""
    workers: list[Worker] = []

    def begin(command: tuple[str, ...], redis_url: str | None, *, sweep_seconds: str = "3600") -> Worker:
        worker = Worker(command, tmp_path, redis_url, sweep_seconds)
        workers.append(worker)
        worker.wait_until_it_swept()
        return worker

    yield begin
    for worker in workers:
        worker.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_without_redis_sweeps_and_ends_when_signaled(begin: Begin, number: signal.Signals):
    worker = begin(OURS, None)

    worker.signal_to_stop(number)

    assert worker.exit_status() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can signal a thread of another process")
def test_a_signal_ends_a_worker_whichever_thread_gets_it(begin: Begin):
    worker = begin(OURS, None)

    signal_another_thread(worker.process, signal.SIGTERM)

    assert worker.exit_status() == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_a_worker_over_redis_finishes_what_is_in_hand_before_it_ends(
    begin: Begin, redis_url: str, command: tuple[str, ...]
):
    worker = begin(command, redis_url)
    worker.hold()
    broker = redis_broker(redis_url)
    DramatiqNudges(broker).inbox()
    wait_until(lambda: worker.rounds("began") == 2)

    worker.signal_to_stop()
    assert worker.process.poll() is None
    worker.let_go()

    assert worker.exit_status() == 0
    assert worker.rounds("ended") == 2
    broker.client.close()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_worker_that_drains_an_endless_inbox_hears_of_its_end(
    begin: Begin, redis_url: str, command: tuple[str, ...]
):
    worker = begin(command, redis_url)
    worker.never_run_out()
    broker = redis_broker(redis_url)
    DramatiqNudges(broker).inbox()
    wait_until(lambda: worker.rounds("ended") > 20)

    worker.signal_to_stop()

    assert worker.process.wait(7) == 0
    broker.client.close()


def test_a_second_signal_still_lets_work_be_finished(begin: Begin, redis_url: str):
    worker = begin(OURS, redis_url)
    worker.hold()
    broker = redis_broker(redis_url)
    DramatiqNudges(broker).inbox()
    wait_until(lambda: worker.rounds("began") == 2)

    worker.signal_to_stop(signal.SIGINT)
    worker.signal_to_stop(signal.SIGTERM)
    worker.let_go()

    assert worker.exit_status() == 0
    assert worker.rounds("ended") == 2
    broker.client.close()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_sweeps_and_ends_in_time_while_redis_is_away(
    begin: Begin, own_redis: RedisServer, number: signal.Signals
):
    own_redis.kill()
    worker = begin(OURS, own_redis.url(), sweep_seconds="0.05")
    wait_until(lambda: worker.rounds("ended") > 5)

    worker.signal_to_stop(number)

    assert worker.exit_status() == 0


@pytest.mark.slow
def test_a_worker_hears_nudges_again_once_redis_is_back(begin: Begin, own_redis: RedisServer):
    worker = begin(OURS, own_redis.url())
    own_redis.kill()
    own_redis.start()
    broker = redis_broker(own_redis.url())
    rounds = worker.rounds("ended")

    DramatiqNudges(broker).inbox()

    wait_until(lambda: worker.rounds("ended") > rounds)
    broker.client.close()

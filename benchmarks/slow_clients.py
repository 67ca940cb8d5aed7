"""`python -m benchmarks.slow_clients`: thousands of clients that never finish their requests, and honest ones beside them.

Clients send a head a line at a time, or almost all of a body, or a request and nothing more, and wait. One that is
disconnected comes back a second later.
The service must stay within its memory and answer honest requests in time, whatever number of files it may open.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import http.client
import json
import math
import multiprocessing
import os
import resource
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from ctypes import Array, c_longlong
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.options import ROOT
from benchmarks.stand.memory import memory_of
from benchmarks.stand.programs import Program, answers, environment, python, run
from stripe_bridge.adapters.vault import new_key
from stripe_bridge_playground.settings import reserved_port
from tests.builders import an_event_payload
from tests.fakes.stripe.signatures import sign
from tests.servers.processes import SET_PARENT_DEATH_SIGNAL

HOST = "127.0.0.1"
SECRET = "whsec_slow_clients"
SLOW_CLIENTS, STUCK_BODIES, IDLE_CLIENTS = 4_000, 2_000, 1_000
MOST_MEGABYTES, MOST_SECONDS = 150.0, 0.25
_CLIENTS = SLOW_CLIENTS + STUCK_BODIES + IDLE_CLIENTS
_BODY = 1_000_000
_BACK_AFTER = 1.0


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Memory in MB: before, and at most during the attack. Honest requests: how many, and how long they took, in seconds."""

    descriptors: int
    memory_before: float
    memory_most: float
    honest_requests: int
    honest_median: float
    honest_longest: float
    connects: int
    disconnects: int

    @property
    def memory_more(self) -> float:
        return self.memory_most - self.memory_before


def measure(descriptors: int, *, seconds: float) -> Figures:
    """Run a service that may have this many files open, and attack it."""
    with (
        _preferred(),
        tempfile.TemporaryDirectory() as folder,
        _service(Path(folder), descriptors) as (program, port, token),
    ):
        honest = HonestClient(port, token)
        _warm_up(honest)
        before = memory_of(program.pid).all
        context = multiprocessing.get_context("spawn")
        # Without a lock: only one process counts, and killed while it held one, it would keep it.
        attempts = context.RawArray("q", 2)
        attack = context.Process(target=attack_forever, args=(port, attempts), daemon=True)
        attack.start()
        try:
            times, most = _watch(honest, program.pid, attempts, seconds)
        finally:
            attack.kill()
            attack.join()
        connects, disconnects = attempts[:]
    return Figures(
        descriptors=descriptors,
        memory_before=before,
        memory_most=most,
        honest_requests=len(times),
        honest_median=statistics.median(times),
        honest_longest=max(times),
        connects=connects,
        disconnects=disconnects,
    )


@contextlib.contextmanager
def _preferred() -> Iterator[None]:
    """Other programs on this machine, where we may, and the clients, which would not be on it, are not what is measured."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, before)


def _watch(
    honest: HonestClient, pid: int, attempts: Array[c_longlong], seconds: float
) -> tuple[list[float], float]:
    """While the clients come, and so many seconds after the last one has come for the first time."""
    times: list[float] = []
    most = 0.0
    all_came_at = math.inf
    while time.monotonic() < all_came_at + seconds:
        times += honest.ask_each()
        most = max(most, memory_of(pid).all)
        if all_came_at == math.inf and attempts[0] >= _CLIENTS:
            all_came_at = time.monotonic()
        time.sleep(0.05)
    return times, most


def _warm_up(honest: HonestClient) -> None:
    for _ in range(50):
        honest.ask_each()


@contextlib.contextmanager
def _service(folder: Path, descriptors: int) -> Iterator[tuple[Program, int, str]]:
    port = reserved_port()
    env = environment(
        PUBLIC_URL=f"http://{HOST}:{port}",
        STRIPE_SECRET_KEY="sk_test_1",
        STRIPE_CLIENT_ID="ca_1",
        STRIPE_API_BASE=f"http://{HOST}:1",
        STRIPE_WEBHOOK_SECRETS=SECRET,
        ENCRYPTION_KEYS=new_key(),
        DATABASE_URL=f"sqlite:///{folder / 'bridge.sqlite'}",
    )
    flask = python("flask", "--app", "wsgi:app")
    run([*flask, "db", "upgrade"], env=env)
    create = ["tokens", "create", "--new-tenant", "--tenant", "t", "--role", "admin", "--label", "x"]
    token = next(word for word in run([*flask, *create], env=env).split() if word.startswith("sbt_"))
    limited = ["sh", "-c", f'ulimit -n {descriptors} && exec "$@"', "sh"]
    command = [*limited, *python("stripe_bridge", "--port", str(port))]
    program = Program(command, env=env, log=folder / "log", cwd=ROOT)
    try:
        program.wait_until(lambda: answers(f"http://{HOST}:{port}/readyz"))
        yield program, port, token
    finally:
        program.stop()
        for line in (folder / "log").read_text().splitlines():
            if '"level":"warning"' in line.replace(" ", "") or '"level":"error"' in line.replace(" ", ""):
                print(line[:300], file=sys.stderr)


class HonestClient:
    """Asks on new connections, as an ERP and Stripe do."""

    def __init__(self, port: int, token: str) -> None:
        self._port, self._bearer = port, {"Authorization": f"Bearer {token}"}
        self._asked = 0

    def ask_each(self) -> list[float]:
        """How long a read, a refused write and a webhook took. Raises what goes wrong: none may."""
        self._asked += 1
        event = an_event_payload(id_=f"evt_{self._asked}")
        signed = {"Stripe-Signature": sign(event, SECRET, datetime.now(UTC))}
        wanted = {**self._bearer, "Content-Type": "application/json"}
        return [
            self._ask("GET", "/api/stripe/webhook-events/999999", None, self._bearer, 404),
            self._ask("POST", "/api/stripe/integrations/999999/disconnect", b"{}", wanted, 404),
            self._ask("POST", "/api/webhooks/stripe", event, signed, 200),
        ]

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str], status: int) -> float:
        began_at = time.perf_counter()
        connection = http.client.HTTPConnection(HOST, self._port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
            # 429: the overall limit of requests for a token.
            assert answer.status in (status, 429), answer.status
        finally:
            connection.close()
        return time.perf_counter() - began_at


def attack_forever(port: int, attempts: Array[c_longlong]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A parent that is killed cannot end us.
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, int(signal.SIGKILL))
    # Below the service. Where that is preferred, not below all else: on a busy machine, they would hardly ever come.
    is_preferred = os.getpriority(os.PRIO_PROCESS, 0) < 0
    os.setpriority(os.PRIO_PROCESS, 0, 0 if is_preferred else 19)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(_attack(port, attempts))


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


async def _attack(port: int, attempts: Array[c_longlong]) -> None:
    webhooks, api = _stuck_at("/api/webhooks/stripe"), _stuck_at("/api/stripe/invoices")
    kinds: list[tuple[Talk, int]] = [(_head_by_line, SLOW_CLIENTS), (_idle, IDLE_CLIENTS)]
    kinds += [(each, STUCK_BODIES // 2) for each in (webhooks, api)]
    async with asyncio.TaskGroup() as clients:
        for talk, count in kinds:
            for _ in range(count):
                clients.create_task(_again_and_again(port, attempts, talk))


async def _again_and_again(port: int, attempts: Array[c_longlong], talk: Talk) -> None:
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(HOST, port)
            attempts[0] += 1
            try:
                await talk(reader, writer)
            finally:
                attempts[1] += 1
                writer.close()
        await asyncio.sleep(_BACK_AFTER)


async def _head_by_line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
    while not reader.at_eof():
        writer.write(b"X-A: b\r\n")
        await writer.drain()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader.read(1000), 1)


async def _idle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    while await reader.read(1000):
        pass


def _stuck_at(path: str) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (path.encode(), _BODY))
        writer.write(b"x" * (_BODY - 1))
        await writer.drain()
        while await reader.read(1000):
            pass

    return talk


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slow_clients")
    parser.add_argument("--descriptors", type=int, nargs="+", default=[1_024, 20_000])
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    measured = [measure(each, seconds=options.seconds) for each in options.descriptors]
    for figures in measured:
        print(json.dumps({name: round(value, 4) for name, value in asdict(figures).items()}))
    is_good = all(
        each.memory_more <= MOST_MEGABYTES and each.honest_longest <= MOST_SECONDS for each in measured
    )
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()

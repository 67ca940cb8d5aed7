"""A subscriber in a process of its own: `python -m benchmarks.stand.subscriber PORT FILE`.

It takes every page at once, and writes a line for each: when it had arrived, and its body.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

from benchmarks.stand.programs import Program, environment, python
from stripe_bridge_playground.settings import reserved_port

Json = dict[str, Any]


@dataclass(frozen=True)
class Page:
    arrived_at: float
    entries: list[Json]


class Subscriber:
    """That process, and what it got."""

    def __init__(self, folder: Path) -> None:
        port = reserved_port()
        self.url = f"http://127.0.0.1:{port}/changes"
        self._pages = folder / f"pages-{port}"
        self._pages.touch()
        command = python("benchmarks.stand.subscriber", str(port), str(self._pages))
        self._program = Program(command, env=environment(), log=folder / f"subscriber-{port}.log")

    def __enter__(self) -> Subscriber:
        self._program.wait_until(lambda: "listening" in self._program.log())
        return self

    def __exit__(self, *_: object) -> None:
        self._program.stop()

    def pages(self) -> Iterator[Page]:
        for line in self._pages.read_text().splitlines():
            arrived_at, body = line.split(" ", 1)
            yield Page(float(arrived_at), json.loads(body)["data"])

    def has(self, text: str, times: int) -> bool:
        """Whether this stands in what it got so many times."""
        return self._pages.read_text().count(text) >= times


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, pages: IO[bytes], *arguments: Any) -> None:
        self._pages = pages
        super().__init__(*arguments)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        # One write, so that a reader never sees half a line of a finished one.
        self._pages.write(b"%.6f %b\n" % (time.time(), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def main(port: str, path: str) -> None:
    with (
        Path(path).open("ab", buffering=0) as pages,
        ThreadingHTTPServer(("127.0.0.1", int(port)), partial(_Handler, pages)) as server,
    ):
        sys.stdout.write("listening\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])

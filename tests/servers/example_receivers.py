"""The receivers of examples/receivers, as processes that can be killed, and what they hold."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from stripe_bridge_playground.settings import reserved_port
from tests.servers.processes import ROOT, spawn, stop
from tests.waiting import wait_until

FOLDER = ROOT / "examples" / "receivers"
_JARS = ("/usr/share/java/gson.jar", "/usr/share/java/sqlite-jdbc.jar")
Held = list[tuple[int, str]]


def require(*needed: str) -> None:
    """Skip the test on a machine that lacks one of these commands or files. In CI that fails, as any skipped test does."""
    missing = [each for each in needed if not (Path(each).exists() or shutil.which(each))]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


class Program:
    """One of the examples. What it holds outlives it."""

    needs: Sequence[str] = ()

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / f"{type(self).__name__}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, command: Sequence[str | Path], env: Mapping[str, str]) -> None:
        self._process = spawn(
            command, log=self.log, env={**os.environ, "NO_PROXY": "127.0.0.1", **env}, cwd=ROOT
        )

    @property
    def status(self) -> int | None:
        return None if self._process is None else self._process.poll()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        if self._process is not None:
            stop(self._process, signal.SIGKILL)

    def held(self) -> Held:
        """The number and hash of each change, in the order in which they were stored."""
        raise NotImplementedError


class Receiver(Program):
    """A receiver on a port of its own. It starts once its secret is known."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port = reserved_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self, secret: str) -> None:
        self.run(self.command(), {"CHANGES_SECRET": secret, "PORT": str(self.port), **self.env()})
        wait_until(self._answers)

    def command(self) -> Sequence[str | Path]:
        raise NotImplementedError

    def env(self) -> Mapping[str, str]:
        return {}

    def post(self, body: bytes, headers: Mapping[str, str]) -> requests.Response:
        with requests.Session() as http:
            http.trust_env = False
            return http.post(f"{self.url}/changes", data=body, headers=headers, timeout=60)

    def _answers(self) -> bool:
        assert self.status is None, self.log.read_text()
        try:
            with requests.Session() as http:
                http.trust_env = False
                return http.get(self.url, timeout=10).ok
        except requests.RequestException:
            return False


class PythonReceiver(Receiver):
    @property
    def database(self) -> Path:
        return self.folder / "changes.sqlite"

    def command(self) -> Sequence[str | Path]:
        script = FOLDER / "python" / "receive.py"
        return [sys.executable, script, "--port", str(self.port), "--database", self.database]

    def held(self) -> Held:
        return in_database(self.database)


class NodeReceiver(Receiver):
    needs = ("node",)

    def command(self) -> Sequence[str | Path]:
        return ["node", FOLDER / "node" / "receive.mjs"]

    def env(self) -> Mapping[str, str]:
        return {"CHANGES_FILE": str(self.folder / "changes.jsonl")}

    def held(self) -> Held:
        lines = (self.folder / "changes.jsonl").read_text().splitlines()
        changes = [change for line in lines for change in json.loads(line)["changes"]]
        return [(change["sequence"], change["hash"]) for change in changes]


class PhpReceiver(Receiver):
    needs = ("php",)

    def command(self) -> Sequence[str | Path]:
        return ["php", "-S", f"127.0.0.1:{self.port}", FOLDER / "php" / "receive.php"]

    def env(self) -> Mapping[str, str]:
        return {"CHANGES_DSN": f"sqlite:{self.folder / 'changes.sqlite'}"}

    def held(self) -> Held:
        return in_database(self.folder / "changes.sqlite")


class JavaReceiver(Receiver):
    needs = ("java", *_JARS)

    def command(self) -> Sequence[str | Path]:
        # For a short program, the first compiler is fast enough.
        options = ["-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", ":".join(_JARS)]
        return ["java", *options, FOLDER / "java" / "Receive.java"]

    def env(self) -> Mapping[str, str]:
        return {"CHANGES_DATABASE": f"jdbc:sqlite:{self.folder / 'changes.sqlite'}"}

    def held(self) -> Held:
        return in_database(self.folder / "changes.sqlite")


class Puller(Program):
    """It asks the service at this address for changes."""

    def start(self, url: str, token: str) -> None:
        self.run(self.command(), {"CHANGES_URL": url, "CHANGES_TOKEN": token})

    def command(self) -> Sequence[str | Path]:
        raise NotImplementedError

    def hold_another_hash(self) -> None:
        """As if the service's database had been restored: what it holds is not what the service has."""
        raise NotImplementedError

    def stored_statuses(self) -> list[str]:
        """The status of each invoice that was taken over from the lists, by id."""
        raise NotImplementedError


class PythonPuller(Puller):
    @property
    def database(self) -> Path:
        return self.folder / "changes.sqlite"

    def command(self) -> Sequence[str | Path]:
        return [sys.executable, FOLDER / "python" / "pull.py", "--database", self.database]

    def held(self) -> Held:
        return in_database(self.database)

    def hold_another_hash(self) -> None:
        with closing(sqlite3.connect(self.database)) as db, db:
            db.execute("UPDATE cursor SET hash = ?", ("f" * 64,))

    def stored_statuses(self) -> list[str]:
        query = "SELECT object FROM objects WHERE type = 'invoice' ORDER BY CAST(id AS INTEGER)"
        return [json.loads(row[0])["status"] for row in rows_of(self.database, query)]


class CurlPuller(Puller):
    needs = ("bash", "curl", "jq")

    @property
    def pages(self) -> list[Path]:
        return sorted((self.folder / "pages").glob("*.json"))

    def command(self) -> Sequence[str | Path]:
        return ["bash", FOLDER / "curl" / "pull.sh", self.folder / "pages"]

    def held(self) -> Held:
        changes = [change for page in self.pages for change in json.loads(page.read_text())["data"]]
        return [(change["sequence"], change["hash"]) for change in changes]

    def hold_another_hash(self) -> None:
        newest = self.pages[-1]
        page = json.loads(newest.read_text())
        page["data"][-1]["hash"] = "f" * 64
        newest.write_text(json.dumps(page))

    def stored_statuses(self) -> list[str]:
        pages = [json.loads(page.read_text()) for page in self.pages]
        invoices = [each for page in pages if page.get("restart") for each in page["lists"]["invoices"]]
        return [each["status"] for each in sorted(invoices, key=lambda invoice: int(invoice["id"]))]


def in_database(path: Path) -> Held:
    """They all have a table of this name."""
    return [(row[0], row[1]) for row in rows_of(path, "SELECT sequence, hash FROM changes ORDER BY rowid")]


def rows_of(path: Path, query: str) -> list[tuple[Any, ...]]:
    if not path.exists():
        return []
    with closing(sqlite3.connect(path, timeout=30)) as db:
        try:
            rows: list[tuple[Any, ...]] = db.execute(query).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise
    return rows

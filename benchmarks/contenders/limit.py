"""The limit: pgbench, with one row of the same size in each transaction."""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load.wrk import CONNECTIONS, THREADS, Played
from benchmarks.stand.postgres import Postgres
from benchmarks.stand.programs import environment, run

_TABLE = """
CREATE TABLE stored (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stripe_event_id text NOT NULL, event_type text NOT NULL, account_id text NOT NULL, livemode boolean NOT NULL,
    related_object_id text, event_created_at timestamptz NOT NULL, created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL, status text NOT NULL, attempts bigint NOT NULL, payload bytea NOT NULL
)
"""
# The payload is sent as a parameter, as with the others.
_SCRIPT = """
\\set number random(1, 900000000000000000)
INSERT INTO stored (stripe_event_id, event_type, account_id, livemode, related_object_id, event_created_at, created_at,
    due_at, status, attempts, payload)
VALUES ('evt_' || :number, 'invoice.paid', 'acct_1PgcXgCDqYH0vNsD', false, 'in_' || :number, now(), now(), now(),
    'received', 0, :payload);
"""


@dataclass
class Limit:
    """How much this PostgreSQL can store with no application in front of it."""

    postgres: Postgres
    database: str
    payload: bytes

    def __post_init__(self) -> None:
        self.postgres.create(self.database)
        with self.postgres.connect(self.database) as connection:
            connection.execute(_TABLE)

    def stored(self) -> int:
        count: int = self.postgres.value(self.database, "SELECT count(*) FROM stored")
        return count

    def play(self, seconds: float) -> Played:
        """One turn, over as many connections as the webhooks get."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "insert.sql").write_text(_SCRIPT)
            report = run(self._command(folder, _length(seconds)), env=environment(), cwd=folder)
            latencies = [_latency(line) for log in folder.glob("log.*") for line in log.open()]
        found = re.search(r"^tps = ([\d.]+) \(without initial connection time\)", report, re.MULTILINE)
        assert found, report
        return Played(
            acknowledged=len(latencies),
            seconds=len(latencies) / float(found[1]),
            latencies=tuple(latencies),
        )

    def _command(self, folder: Path, length: list[str]) -> list[str | Path]:
        # In the text format of bytea, a backslash is doubled.
        payload = self.payload.decode().replace("\\", "\\\\")
        where = ["-h", "127.0.0.1", "-p", str(self.postgres.port), "-U", "postgres"]
        load = ["-c", str(CONNECTIONS), "-j", str(THREADS), *length, "-n", "-M", "prepared"]
        script = ["-f", str(folder / "insert.sql"), "-D", f"payload={payload}", "--log", "--log-prefix=log"]
        return [self.postgres.binaries / "pgbench", *where, *load, *script, self.database]


def _length(seconds: float) -> list[str]:
    """Of a turn: pgbench knows no part of a second, so that a shorter one is some transactions of each connection."""
    return ["-T", str(round(seconds))] if seconds >= 1 else ["-t", "10"]


def _latency(line: str) -> float:
    """In milliseconds: the third figure of a log line is in microseconds."""
    return int(line.split()[2]) / 1000

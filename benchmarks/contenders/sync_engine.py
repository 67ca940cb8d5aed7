"""@supabase/stripe-sync-engine: keeps a copy of Stripe's objects. An event is one upsert, and is not stored itself."""

import json
import shutil
from pathlib import Path

from benchmarks.contenders.folder import BENCH, is_installed, mark_installed
from benchmarks.load.payloads import SECRET
from benchmarks.load.wrk import LoadFailed
from benchmarks.stand.emulator import SECRET_KEY
from benchmarks.stand.postgres import Postgres
from benchmarks.stand.programs import Program, environment, run
from stripe_bridge_playground.settings import reserved_port

_PACKAGES = ("@supabase/stripe-sync-engine@0.48", "stripe@23")
_SERVER = Path(__file__).with_name("sync_engine.mjs")
_HOME = BENCH / "sync-engine"
_OLDEST_NODE = 18


def install() -> dict[str, str]:
    """Install it into a folder of its own; returns the versions. Raises LoadFailed without a suitable Node.js."""
    if not (shutil.which("node") and shutil.which("npm")):
        raise LoadFailed("stripe-sync-engine needs Node.js and npm; `--no-peers` leaves out the peers.")
    version = run(["node", "--version"]).strip()
    if int(version.removeprefix("v").partition(".")[0]) < _OLDEST_NODE:
        raise LoadFailed(f"stripe-sync-engine needs Node.js {_OLDEST_NODE} or newer, this is {version}")
    if not is_installed(_HOME, _PACKAGES):
        _HOME.mkdir(parents=True, exist_ok=True)
        (_HOME / "package.json").write_text('{"private": true}')
        run(["npm", "install", "--silent", "--no-audit", "--no-fund", *_PACKAGES], cwd=_HOME)
        mark_installed(_HOME, _PACKAGES)
    package = _HOME / "node_modules" / "@supabase" / "stripe-sync-engine" / "package.json"
    return {"stripe-sync-engine": json.loads(package.read_text())["version"], "Node.js": version}


class SyncEngine:
    """Two processes."""

    def __init__(self, *, postgres: Postgres, folder: Path) -> None:
        self._postgres, self._log = postgres, folder / "sync-engine.log"
        self.database = postgres.create("sync_engine")
        self._port = reserved_port()
        self._env = environment(
            INSTALLED_IN=str(_HOME),
            NODE_ENV="production",
            DATABASE_URL=postgres.url(self.database),
            PORT=str(self._port),
            STRIPE_SECRET_KEY=SECRET_KEY,
            STRIPE_WEBHOOK_SECRET=SECRET,
        )

    @property
    def webhooks(self) -> str:
        return f"http://127.0.0.1:{self._port}/webhooks"

    def stored(self) -> int:
        """The number of invoices: there is nothing else to count."""
        count: int = self._postgres.value(self.database, "SELECT count(*) FROM stripe.invoices")
        return count

    def __enter__(self) -> "SyncEngine":
        run(["node", _SERVER, "migrate"], env=self._env)
        self._web = Program(["node", _SERVER], env=self._env, log=self._log)
        self._web.wait_until(lambda: self._web.log().count("Started worker") == 2)
        return self

    def __exit__(self, *_: object) -> None:
        self._web.stop()

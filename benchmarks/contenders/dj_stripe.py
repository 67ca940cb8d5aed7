"""dj-stripe: a Django application that stores webhooks as triggers, then as the objects they are about."""

import json
import sys
from pathlib import Path

import stripe

from benchmarks.contenders.folder import BENCH, is_installed, mark_installed
from benchmarks.load.payloads import SECRET
from benchmarks.stand.emulator import SECRET_KEY
from benchmarks.stand.postgres import Postgres
from benchmarks.stand.programs import Program, answers, environment, run
from stripe_bridge_playground.settings import reserved_port

_PACKAGES = ("dj-stripe>=2.11,<2.12", "Django>=5.2,<6", "psycopg[binary]>=3.3,<4", "granian>=2.8,<3")
_PROJECT = Path(__file__).with_name("dj_stripe_project.py")
_HOME = BENCH / "dj-stripe"
_PYTHON = _HOME / "bin" / "python"


def install() -> dict[str, str]:
    """Install it into an environment of its own; returns the versions."""
    if not is_installed(_HOME, _PACKAGES):
        run([sys.executable, "-m", "venv", "--clear", _HOME])
        run([_PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *_PACKAGES])
        mark_installed(_HOME, _PACKAGES)
    listed = json.loads(run([_PYTHON, "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]))
    versions = {package["name"].lower(): package["version"] for package in listed}
    return {"dj-stripe": versions["dj-stripe"], "Django": versions["django"]}


class DjStripe:
    """Two processes, like ours, on granian. `does`: `trigger` only stores webhooks, `all` also processes them at once."""

    def __init__(self, does: str, *, postgres: Postgres, stripe_url: str, folder: Path) -> None:
        self._postgres, self._log = postgres, folder / f"dj-stripe-{does}.log"
        self.database = postgres.create(f"dj_stripe_{does}")
        self._env = environment(
            DJ_STRIPE=does,
            POSTGRES_PORT=str(postgres.port),
            POSTGRES_DATABASE=self.database,
            STRIPE_SECRET_KEY=SECRET_KEY,
            STRIPE_API_BASE=stripe_url,
            STRIPE_API_VERSION=str(stripe.api_version),
        )
        # It must not find our packages.
        self._env.pop("PYTHONPATH", None)
        self._port = reserved_port()
        self._path = ""

    @property
    def webhooks(self) -> str:
        return f"http://127.0.0.1:{self._port}{self._path}"

    def stored(self) -> int:
        """The number of valid triggers."""
        count: int = self._postgres.value(
            self.database, "SELECT count(*) FROM djstripe_webhookeventtrigger WHERE valid AND exception = ''"
        )
        return count

    def __enter__(self) -> "DjStripe":
        self._manage("migrate")
        self._path = json.loads(self._manage("make-endpoint", SECRET))
        self._web = Program(
            [
                *(_PYTHON, "-m", "granian", "--interface", "wsgi", "--no-ws", "--host", "127.0.0.1"),
                *("--port", str(self._port), "--workers", "2", "--blocking-threads", "8"),
                *("--workers-kill-timeout", "15", f"{_PROJECT.stem}:application"),
            ],
            env=self._env,
            log=self._log,
            cwd=_PROJECT.parent,
        )
        self._web.wait_until(self._is_ready)
        return self

    def __exit__(self, *_: object) -> None:
        self._web.stop()

    def _is_ready(self) -> bool:
        # It accepts only POST.
        return self._web.log().count("Started worker-") == 2 and answers(self.webhooks, status=405)

    def _manage(self, *arguments: str) -> str:
        return run([_PYTHON, _PROJECT, *arguments], env=self._env, cwd=_PROJECT.parent)

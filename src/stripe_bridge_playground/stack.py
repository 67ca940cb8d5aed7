"""The emulator and the service, started in this order and stopped in reverse."""

import fcntl
import json
import os
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import requests

from stripe_bridge_playground.faults import Fault
from stripe_bridge_playground.programs import Program, run
from stripe_bridge_playground.settings import HOST, Secrets, Settings, write_private, write_private_text

# By its module, since a command may be installed where this one cannot find it.
_FLASK = ("flask", "--app", "stripe_bridge.wsgi")
ROLES = ("viewer", "member", "power_user", "admin")
TENANT, OTHER_TENANT = "demo", "other"


class Report(Protocol):
    """Prints what is going on."""

    def __call__(self, text: str) -> None: ...


@dataclass(frozen=True)
class Stack:
    """Both, running and ready."""

    settings: Settings
    run: Mapping[str, Any]
    """The content of run.json."""
    http: requests.Session
    programs: tuple[Program, ...]
    console_link: str = ""
    """Signs in to the console, again and again, as long as this runs: the next start makes another."""

    def watch(self) -> None:
        """Never returns: it ends by a signal, or by a Fault if one of the two ends by itself."""
        while True:
            for program in self.programs:
                program.check()
            time.sleep(0.2)


@contextmanager
def started(settings: Settings, report: Report) -> Iterator[Stack]:
    """Run both, with tables, tokens and receivers; they are stopped at the end, whatever happens."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as at_the_end:
        at_the_end.enter_context(_alone_in(settings.data_dir))
        settings.check_ports()
        http = at_the_end.enter_context(requests.Session())
        # Both are on this machine, so a proxy from the environment must not be used.
        http.trust_env = False
        secrets = Secrets.of(settings.data_dir)
        env = _service_env(settings, secrets)

        def begin(program: Program) -> Program:
            at_the_end.callback(program.stop)
            program.wait_until_ready(http)
            return program

        report("Starting the Stripe emulator ...")
        emulator = begin(_emulator(settings, secrets))
        report("Bringing the database up to date, and registering the webhook endpoints at Stripe ...")
        *_, link = run(
            [
                (*_FLASK, "db", "upgrade"),
                (*_FLASK, "receivers", "register"),
                (*_FLASK, "console", "link", "--operator", "--standing", "--json"),
            ],
            env,
        )
        report("Starting the service ...")
        service = begin(_service(settings, env))
        write_private_text(settings.data_dir / "env.sh", env_script(_service_settings(settings, secrets)))
        facts = _write_run_file(settings, secrets, http, env)
        yield Stack(settings, facts, http, (service, emulator), str(json.loads(link)["url"]))


def _emulator(settings: Settings, secrets: Secrets) -> Program:
    options = {
        "--host": HOST,
        "--port": str(settings.emulator_port),
        "--data-dir": str(settings.data_dir / "emulator"),
        "--secret-key": secrets.stripe_secret_key,
        "--client-id": secrets.stripe_client_id,
        # As with Stripe, a callback to any other address fails.
        "--redirect-uris": f"{settings.service_url}/api/stripe/oauth/callback",
    }
    return Program(
        "Stripe emulator",
        ["stripe_emulator", *(part for option in options.items() for part in option)],
        env=os.environ | {"NO_PROXY": HOST},
        log=settings.data_dir / "emulator.log",
        ready_at=f"{settings.emulator_url}/_emulator/misbehavior",
    )


def _service(settings: Settings, env: Mapping[str, str]) -> Program:
    return Program(
        "service",
        ["stripe_bridge", "--host", HOST, "--port", str(settings.port)],
        env=env,
        log=settings.data_dir / "service.log",
        ready_at=f"{settings.service_url}/readyz",
    )


def _service_settings(settings: Settings, secrets: Secrets) -> dict[str, str]:
    return {
        "DATABASE_URL": f"sqlite:///{settings.data_dir / 'bridge.sqlite'}",
        "PUBLIC_URL": settings.service_url,
        "STRIPE_SECRET_KEY": secrets.stripe_secret_key,
        "STRIPE_CLIENT_ID": secrets.stripe_client_id,
        "STRIPE_API_BASE": settings.emulator_url,
        "STRIPE_CONNECT_BASE": settings.emulator_url,
        "ENCRYPTION_KEYS": secrets.encryption_key,
        # Whoever plays has their receiver here, too.
        "SUBSCRIBERS_ALLOW_PRIVATE": "127.0.0.0/8,::1",
        "NO_PROXY": HOST,
        # A file of settings in this folder is for another service.
        "FLASK_SKIP_DOTENV": "1",
    }


def _service_env(settings: Settings, secrets: Secrets) -> dict[str, str]:
    env = os.environ | _service_settings(settings, secrets)
    # The embedded default has no Redis, even if the shell names one.
    env.pop("REDIS_URL", None)
    # We may have been started by a Flask command; the service is not one, and has a worker.
    env.pop("FLASK_RUN_FROM_CLI", None)
    return env


def env_script(service_settings: Mapping[str, str]) -> str:
    """For a shell: with it, every command works on this data, in whatever folder."""
    settings = {**service_settings, "FLASK_APP": "stripe_bridge.wsgi"}
    lines = [f"export {name}={shlex.quote(value)}" for name, value in settings.items()]
    return "\n".join(["# For `.` in a shell.", *lines, "unset REDIS_URL", ""])


def _write_run_file(
    settings: Settings, secrets: Secrets, http: requests.Session, env: Mapping[str, str]
) -> dict[str, Any]:
    """Write where everything is, for scripts. Tokens of an earlier start that still work are kept."""
    path = settings.data_dir / "run.json"
    old = _read(path)
    old_tokens = {**old.get("tokens", {}), OTHER_TENANT: old.get("other_tenant_token")}
    known = {role: old_tokens.get(role) for role in (*ROLES, OTHER_TENANT)}
    good = {role: token for role, token in known.items() if token and _works(token, settings, http)}
    missing = [role for role in ROLES if role not in good]
    if OTHER_TENANT not in good:
        missing.append(OTHER_TENANT)
    if missing:
        printed = run([_token_command(each) for each in missing], env)
        good |= {name: str(json.loads(each)["token"]) for name, each in zip(missing, printed, strict=True)}
    facts = {
        "service": settings.service_url,
        "emulator": settings.emulator_url,
        "tokens": {role: good[role] for role in ROLES},
        "other_tenant_token": good[OTHER_TENANT],
        "stripe_secret_key": secrets.stripe_secret_key,
    }
    write_private(path, facts)
    return facts


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return content


def _works(token: str, settings: Settings, http: requests.Session) -> bool:
    headers = {"Authorization": f"Bearer {token}"}
    answer = http.get(f"{settings.service_url}/api/stripe/integrations", headers=headers, timeout=30)
    return answer.ok


def _token_command(name: str) -> Sequence[str]:
    """Creates the token of user 1 with that role, or the other tenant's."""
    tenant, role = (OTHER_TENANT, "admin") if name == OTHER_TENANT else (TENANT, name)
    who = ("--tenant", tenant, "--new-tenant", "--user-id", "1", "--role", role)
    return (*_FLASK, "tokens", "create", *who, "--json")


@contextmanager
def _alone_in(data_dir: Path) -> Iterator[None]:
    """Lock the data directory: each of two in-process workers on one SQLite file would assume it is the only one."""
    with (data_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Fault(f"Already running on {data_dir}. Choose another directory with DATA_DIR=…") from error
        yield

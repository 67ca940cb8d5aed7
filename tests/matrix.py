"""Runs the tests with another Python, PostgreSQL or Redis than the locked ones: a row of the table in docs/deploying.md.

    python -m tests.matrix python 3.13
    python -m tests.matrix postgresql /usr/lib/postgresql/15/bin
    python -m tests.matrix redis /usr/bin/redis-server

The last is for Valkey as well. Further arguments are pytest's, in place of the row's own.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.docs.pages import ROOT
from tests.servers.postgres import BINARIES_GIVEN
from tests.servers.redis import BINARY_GIVEN

_LOCK = ROOT / "requirements-dev.lock"
_WITH_SERVERS = ("-m", "servers and not browser")
_EVERYTHING_BUT_BROWSERS = ("-m", "not browser")


def run(*command: str | Path, **environ: str) -> int:
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **environ}).returncode


def postgresql(binaries: str, *arguments: str) -> int:
    run(Path(binaries) / "postgres", "--version")
    tests = arguments or _WITH_SERVERS
    return run(sys.executable, "-m", "pytest", "-q", *tests, **{BINARIES_GIVEN: binaries})


def redis(binary: str, *arguments: str) -> int:
    run(binary, "--version")
    tests = arguments or _WITH_SERVERS
    return run(sys.executable, "-m", "pytest", "-q", *tests, **{BINARY_GIVEN: binary})


def python(version: str, *arguments: str) -> int:
    """In an environment of its own, with what is locked."""
    here = ROOT / ".venv" / f"python{version}" / "bin" / "python"
    if not here.exists():
        run(f"python{version}", "-m", "venv", here.parents[1])
    pip = (here, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-deps")
    failed = run(*pip, "--require-hashes", "-r", _LOCK) or run(
        *pip, "--no-index", "--no-build-isolation", "-e", "."
    )
    run(here, "--version")
    return failed or run(here, "-m", "pytest", "-q", *(arguments or _EVERYTHING_BUT_BROWSERS))


ROWS = {"python": python, "postgresql": postgresql, "redis": redis}


def main(arguments: Sequence[str]) -> int:
    if len(arguments) < 2 or arguments[0] not in ROWS:
        sys.stderr.write(__doc__ or "")
        return 2
    kind, which, *tests = arguments
    return ROWS[kind](which, *tests)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What the figures were measured on: the kind of machine, and the versions."""

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path


def machine() -> dict[str, str]:
    """Cores, memory, kernel and file system; nothing that identifies the machine."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": str(os.cpu_count()),
        "processor": _processor(),
        "memory": f"{memory / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "file system": _file_system(),
    }


def versions(postgres: Path) -> dict[str, str]:
    """The versions of what takes part in every measure."""
    packages = ("uvicorn", "Flask", "SQLAlchemy", "psycopg")
    found = {"Python": platform.python_version()}
    found |= {package: importlib.metadata.version(package) for package in packages}
    found["PostgreSQL"] = _first_line([str(postgres / "postgres"), "--version"]).rpartition(" ")[2]
    if wrk := shutil.which("wrk"):
        found["wrk"] = _first_line([wrk, "--version"]).split()[1]
    return found


def _first_line(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.splitlines()[0]


def _processor() -> str:
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.machine()
    found = re.search(r"^model name\s*: (.+)$", cpuinfo, re.MULTILINE)
    return found[1] if found else platform.machine()


def _file_system() -> str:
    """The type of file system that the databases are on."""
    done = subprocess.run(["df", "--output=fstype", "/tmp"], capture_output=True, text=True)
    return done.stdout.splitlines()[-1].strip() if done.returncode == 0 else "unknown"

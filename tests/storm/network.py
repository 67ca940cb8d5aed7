"""Two hosts, each with a network of its own, behind a router that can lose every packet to or from one of them.

They are Linux's network namespaces: nobody outside sees them, and they vanish with the process that made them. That process
runs in one of its own, too, with the servers that the hosts share: `isolated` starts it.
"""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Self

from tests.servers import preloaded
from tests.servers.processes import Running, spawn
from tests.waiting import wait_until

SERVERS = "10.77.0.1"
"""The address of the servers that all hosts share."""
_ROUTER_OF_SERVERS = "10.77.0.254"
_OURS = "/proc/self/ns/net"


class Lost(StrEnum):
    """Which packets the router loses: those to the host, those from it, or both. It says nothing to anyone."""

    TO = "to"
    FROM = "from"
    BOTH = "both"


def isolated(command: Sequence[str]) -> list[str]:
    """The command in a network of its own. Who is not root becomes what root is there, and only there."""
    as_user = [] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps"]
    return ["unshare", *as_user, "--net", *command]


def reason_against() -> str | None:
    """Why there can be no such networks on this machine, if so."""
    tried = subprocess.run(
        isolated(["ip", "link", "add", "dev", "one", "type", "veth", "peer", "name", "other"]),
        capture_output=True,
        text=True,
    )
    return tried.stderr.strip() or f"exit status {tried.returncode}" if tried.returncode else None


class _Namespace:
    """A network that lives as long as the process that holds it."""

    def __init__(self, folder: Path, name: str) -> None:
        self._holder = spawn(["unshare", "--net", "sleep", "infinity"], log=folder / f"network-{name}.log")
        self.pid = self._holder.pid
        self.path = f"/proc/{self.pid}/ns/net"
        wait_until(lambda: os.readlink(self.path) != os.readlink(_OURS))
        self.ip("link", "set", "lo", "up")

    def run(self, *command: str) -> None:
        _run(["nsenter", f"--net={self.path}", *command])

    def ip(self, *arguments: str) -> None:
        self.run("ip", *arguments)

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait()


class Host:
    """A machine of its own, as far as the network can tell."""

    def __init__(self, number: int, folder: Path) -> None:
        self.name, self.address = f"host-{number}", f"10.77.{number}.2"
        self.router, self.port_of_router = f"10.77.{number}.254", f"to-{self.name}"
        self.namespace = _Namespace(folder, self.name)

    def start(self, module: str, *arguments: str, log: Path, env: Mapping[str, str]) -> Running:
        """Run `python -m module` on it."""
        return preloaded.start(module, *arguments, log=log, env=env, network=self.namespace.path)


class Network:
    """The servers' network, which is the process's own, the router, and the hosts."""

    def __init__(self, folder: Path, *, hosts: int = 2) -> None:
        assert os.readlink(_OURS) != os.readlink(f"/proc/{os.getppid()}/ns/net"), (
            "not in a network of its own"
        )
        self._router = _Namespace(folder, "router")
        self._router.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        _run(["ip", "link", "set", "lo", "up"])
        self._join(_run_ip, os.getpid(), SERVERS, _ROUTER_OF_SERVERS, "to-servers")
        self.hosts = [Host(number, folder) for number in range(1, hosts + 1)]
        for host in self.hosts:
            self._join(host.namespace.ip, host.namespace.pid, host.address, host.router, host.port_of_router)

    def _join(self, ip: Callable[..., None], pid: int, address: str, router: str, port: str) -> None:
        self._router.ip("link", "add", port, "type", "veth", "peer", "name", "uplink", "netns", str(pid))
        self._router.ip("addr", "add", f"{router}/24", "dev", port)
        self._router.ip("link", "set", port, "up")
        ip("addr", "add", f"{address}/24", "dev", "uplink")
        ip("link", "set", "uplink", "up")
        ip("route", "add", "default", "via", router)

    def cut(self, host: Host, lost: Lost) -> None:
        """From now on these packets are lost, without a word to those who sent them."""
        if lost is not Lost.FROM:
            self._router.ip("route", "add", "blackhole", f"{host.address}/32")
        if lost is not Lost.TO:
            self._router.ip("rule", "add", "iif", host.port_of_router, "blackhole")

    def mend(self, host: Host, lost: Lost) -> None:
        """Undo `cut`."""
        if lost is not Lost.FROM:
            self._router.ip("route", "del", "blackhole", f"{host.address}/32")
        if lost is not Lost.TO:
            self._router.ip("rule", "del", "iif", host.port_of_router, "blackhole")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for namespace in (*(host.namespace for host in self.hosts), self._router):
            namespace.close()


def _run_ip(*arguments: str) -> None:
    _run(["ip", *arguments])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")

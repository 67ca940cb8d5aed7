"""A playground's settings and secrets, and where they are stored."""

import base64
import contextlib
import json
import os
import secrets
import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stripe_bridge_playground.faults import Fault

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Settings:
    """Ports and a folder. `erp_port` None means whatever is free, and `seed` whether an empty folder gets data to look at."""

    port: int
    emulator_port: int
    data_dir: Path
    erp_port: int | None = None
    seed: bool = False

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """PORT, EMULATOR_PORT, ERP_PORT, DATA_DIR and SEED, or their defaults."""
        settings = cls(
            port=_port(env, "PORT", 8000),
            emulator_port=_port(env, "EMULATOR_PORT", 12111),
            data_dir=Path(env.get("DATA_DIR") or "data").absolute(),
            erp_port=_port(env, "ERP_PORT", 0) if env.get("ERP_PORT") else None,
            seed=env.get("SEED", "yes").lower() not in ("no", "0", "false"),
        )
        if settings.port == settings.emulator_port:
            raise Fault(f"PORT and EMULATOR_PORT are both {settings.port}.")
        if settings.erp_port in (settings.port, settings.emulator_port):
            raise Fault(f"ERP_PORT is {settings.erp_port}, as another port is.")
        return settings

    @classmethod
    def anywhere(cls, data_dir: Path) -> "Settings":
        """On two ports that nobody else uses."""
        return cls(reserved_port(), reserved_port(), data_dir)

    @property
    def service_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def emulator_url(self) -> str:
        return f"http://{HOST}:{self.emulator_port}"

    def check_ports(self) -> None:
        """Raises a Fault if a port is taken, before anything is started."""
        ports = {"PORT": self.port, "EMULATOR_PORT": self.emulator_port, "ERP_PORT": self.erp_port}
        for name, port in ports.items():
            if port is None:
                continue
            try:
                _bound(port).close()
            except OSError as error:
                raise Fault(
                    f"Port {port} cannot be used ({error.strerror}). Choose another with {name}=…"
                ) from error


@dataclass(frozen=True)
class Secrets:
    """Created at the first start and stored in the data directory: without them, the data cannot be read."""

    encryption_key: str
    stripe_secret_key: str
    stripe_client_id: str

    @classmethod
    def of(cls, data_dir: Path) -> "Secrets":
        """The secrets in this directory; created if it has none."""
        path = data_dir / "secrets.json"
        if path.exists():
            return cls(**json.loads(path.read_text()))
        made = cls(
            encryption_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            stripe_secret_key=f"sk_test_{secrets.token_hex(16)}",
            stripe_client_id=f"ca_{secrets.token_hex(12)}",
        )
        write_private(path, asdict(made))
        return made


def free_port(usual: int) -> int:
    """The usual one if it is free, else any."""
    with contextlib.suppress(OSError), _bound(usual):
        return usual
    return reserved_port()


def reserved_port() -> int:
    """A free one that no other process is given while this one runs.

    It may be seconds until the service listens there, and it would share the port without an error: some of the requests would
    go to whoever was given it as well.
    """
    reservation = _bound(0)
    port: int = reservation.getsockname()[1]
    if sys.platform == "linux":
        # It stays open until this process ends.
        reservation.detach()
    else:
        # Elsewhere, nobody could listen beside it.
        reservation.close()
    return port


def _bound(port: int) -> socket.socket:
    """It does not listen, so whoever sets the same option can listen there. Raises OSError if the port is taken."""
    bound = socket.socket()
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((HOST, port))
    except OSError:
        bound.close()
        raise
    return bound


def write_private(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON that only its owner may read."""
    write_private_text(path, json.dumps(content, indent=2) + "\n")


def write_private_text(path: Path, text: str) -> None:
    """Write a file that only its owner may read; readers see either the old content or the new."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    new.replace(path)


def _port(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name) or str(default)
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise Fault(f"{name} is {text!r}, but a port is a number from 1 to 65535.")
    return int(text)

"""`stripe-emulator`, or `python -m stripe_emulator`: an emulator in a process of its own."""

import argparse
import os
import pathlib
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from types import FrameType
from typing import Any

from stripe_emulator.server import EmulatorServer
from stripe_emulator.settings import Settings

DEFAULTS = Settings()
SWITCH_ON = ("1", "true", "yes")


def parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    """The command line; every option can also come from the environment."""
    made = argparse.ArgumentParser(
        prog="stripe-emulator",
        description="A stateful stand-in for Stripe over HTTP.",
        epilog="Every option may come from the environment as well: --data-dir is EMULATOR_DATA_DIR, and so on.",
    )

    made.add_argument("--version", action="version", version=f"%(prog)s {version('stripe-bridge')}")
    text, switch = partial(_text, made, environ), partial(_switch, made, environ)
    text("host", "127.0.0.1", "the address to listen on")
    text("port", 12111, "the port to listen on; 0 takes a free one", int)
    text("data-dir", "", "a directory that keeps the state across restarts (default: in memory)")
    text(
        "wire-log",
        "",
        "a file that logs every exchange, one JSON line each (default: wire.jsonl in the data directory)",
    )
    text("secret-key", DEFAULTS.secret_key, "the platform's secret key")
    text("client-id", DEFAULTS.client_id, "the platform's Connect client id")
    text("platform-name", DEFAULTS.platform_name, "the platform's name, as merchants see it")
    text("redirect-uris", "", "the registered OAuth redirect URIs, separated by commas (default: any)")
    text(
        "retry-base",
        DEFAULTS.retry_base,
        "seconds before the first retry of a delivery; then doubling",
        float,
    )
    text(
        "retry-cap", DEFAULTS.retry_cap, "the longest wait between two tries of a delivery, in seconds", float
    )
    text("retry-attempts", DEFAULTS.retry_attempts, "how many times a delivery is tried", int)
    switch(
        "allow-account-endpoints",
        "accept webhook endpoints created on connected accounts, which Stripe refuses",
    )
    switch("void-uncollectible", "let an uncollectible invoice be voided")
    return made


def _text(
    made: argparse.ArgumentParser,
    environ: Mapping[str, str],
    option: str,
    default: object,
    explanation: str,
    kind: Callable[[str], object] = str,
) -> None:
    # The default is passed as text, so that argparse converts it, and reports it in a sentence if it cannot.
    given = environ.get(_variable(option), str(default))
    made.add_argument(f"--{option}", type=kind, default=given, help=explanation)


def _switch(made: argparse.ArgumentParser, environ: Mapping[str, str], option: str, explanation: str) -> None:
    is_on = environ.get(_variable(option), "").lower() in SWITCH_ON
    made.add_argument(f"--{option}", action="store_true", default=is_on, help=explanation)


def _variable(option: str) -> str:
    return "EMULATOR_" + option.upper().replace("-", "_")


def settings_from(options: argparse.Namespace) -> dict[str, Any]:
    """The options as keyword arguments of `Settings`."""
    return {
        "secret_key": options.secret_key,
        "client_id": options.client_id,
        "platform_name": options.platform_name,
        "redirect_uris": tuple(filter(None, options.redirect_uris.split(","))),
        "allow_account_endpoints": options.allow_account_endpoints,
        "void_uncollectible": options.void_uncollectible,
        "retry_base": options.retry_base,
        "retry_cap": options.retry_cap,
        "retry_attempts": options.retry_attempts,
        "may_crash": True,
    }


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Serve until stopped."""
    options = parser(environ).parse_args(arguments)
    server = EmulatorServer(
        host=options.host,
        port=options.port,
        data_dir=pathlib.Path(options.data_dir) if options.data_dir else None,
        wire_log=pathlib.Path(options.wire_log) if options.wire_log else None,
        **settings_from(options),
    )
    with _stop_signals() as signals, server:
        print(f"Stripe emulator: {server.url}", flush=True)
        signals.recv(1)
    return 0


@contextmanager
def _stop_signals() -> Iterator[socket.socket]:
    """From now on, a socket that gets the number of each signal to stop.

    The kernel may hand a signal to any thread. A handler, which only the main thread runs, would then not run as long as
    the main thread waits.
    """
    received, wakeup = socket.socketpair()
    with received, wakeup:
        wakeup.setblocking(False)
        signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _only_wake)
        try:
            yield received
        finally:
            signal.set_wakeup_fd(-1)


def _only_wake(_number: int, _frame: FrameType | None) -> None:
    """Does nothing: the signal already wakes the socket."""


def command() -> int:
    """What `stripe-emulator` runs."""
    return main(sys.argv[1:], os.environ)


if __name__ == "__main__":
    sys.exit(command())

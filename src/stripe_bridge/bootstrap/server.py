"""The server: uvicorn, with the options that this service needs."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import threading

import click
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from stripe_bridge.adapters.logs import configure_logging
from stripe_bridge.adapters.metrics import remove_folder_of_children, share_with_siblings
from stripe_bridge.adapters.system import raise_open_files_limit
from stripe_bridge.adapters.web.fast_path import FastPath
from stripe_bridge.bootstrap import create_asgi_app
from stripe_bridge.bootstrap.env_file import load_env_file
from stripe_bridge.config import Settings, SettingsInvalid

_log = logging.getLogger("stripe_bridge")
# In seconds. A send waits up to 10 for another send of the same order.
_GRACEFUL_SHUTDOWN_TIMEOUT = 15
# A worker that shows no sign of life for this long is replaced. On a busy machine, loading all the code takes a while.
_HEALTHCHECK_TIMEOUT = 30
# Longer than proxies and clients keep their connections: otherwise they may send into one that is just being closed.
_KEEP_ALIVE_TIMEOUT = 75
# As many as the system allows. A client whose connection overflows it tries again after a second.
_BACKLOG = 65_535
# How many newcomers the event loop takes in, in a turn. libuv accepts one at each descriptor that listens: with one, the last
# of a thousand waits for a thousand turns, each with all the reading that there is to do.
_ACCEPTED_AT_ONCE = 8
# In bytes, for each connection, in the kernel, which otherwise buffers megabytes before the process reads them. A thousand
# clients may have something to read in the same turn of the event loop.
_RECEIVE_BUFFER = 16 * 1024


def serve(host: str, port: int, workers: int) -> None:
    """Serve until told to stop. Exits with one sentence for each setting that is missing or wrong."""
    settings = _settings_or_exit()
    if workers > 1 and settings.redis_url is None:
        # Each process would run a worker and count rate limits for itself.
        raise click.UsageError("More than one process needs REDIS_URL.")
    config = uvicorn.Config(
        "stripe_bridge.bootstrap.server:create_app",
        factory=True,
        http="stripe_bridge.adapters.web.webhook_protocol:WebhookProtocol",
        ws="none",
        lifespan="on",
        workers=workers,
        # Our own log says more, and does not log each webhook.
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_TIMEOUT,
        timeout_graceful_shutdown=_GRACEFUL_SHUTDOWN_TIMEOUT,
        timeout_worker_healthcheck=_HEALTHCHECK_TIMEOUT,
    )
    bound = _bind(host, port)
    with contextlib.ExitStack() as sockets, contextlib.suppress(KeyboardInterrupt):
        listening = [sockets.enter_context(each) for each in _shared(bound)]
        # uvicorn sends itself the signal again after an orderly shutdown: dying of it would look like a failure.
        signal.signal(signal.SIGTERM, _leave)
        # After uvicorn's own configuration, which sets up logging, too: the supervisor of several processes logs through ours.
        configure_logging(settings.log_level, json=settings.log_format == "json")
        files = raise_open_files_limit()
        _log.info("serving as soon as it is ready", extra={"host": host, "port": port, "open_files": files})
        if workers == 1:
            # What a supervisor does for each of its processes, as far as one can do it for itself.
            signal.signal(signal.SIGHUP, _end_in_order)
            uvicorn.Server(config).run(listening)
        else:
            _supervise(Multiprocess(config, listening))


def _supervise(supervisor: Multiprocess) -> None:
    supervisor.run()
    remove_folder_of_children(os.getpid())
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise SystemExit(STARTUP_FAILURE)


def _settings_or_exit() -> Settings:
    load_env_file()
    try:
        return Settings.from_env(os.environ)
    except SettingsInvalid as error:
        raise SystemExit(str(error)) from None


def create_app() -> FastPath:
    """What each process serves."""
    share_with_siblings()
    _end_with_parent()
    return create_asgi_app()


def _end_with_parent() -> None:
    """End this process, if another one started it to serve, when that has ended, by whatever signal.

    Otherwise it would share the port with the next start, and go on answering with the old settings.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def end() -> None:
        parent.join()
        if parent.pid is not None:
            remove_folder_of_children(parent.pid)
        # In order: requests under way are answered, while nothing listens any more.
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end, name="parent", daemon=True).start()


def _end_in_order(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _leave(*_: object) -> None:
    raise SystemExit(0)


def _bind(host: str, port: int) -> socket.socket:
    """Bind, but do not listen: each process listens once it is ready to serve.

    Others may listen there as well, so that a new release can start while the old one still serves.
    """
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise SystemExit(f"Cannot listen on {host}, port {port}: {error.strerror or error}") from None
    return bound


def _shared(bound: socket.socket) -> list[socket.socket]:
    """Several descriptors of one socket: what waits there to be accepted waits at all of them."""
    return [bound, *(bound.dup() for _ in range(_ACCEPTED_AT_ONCE - 1))]

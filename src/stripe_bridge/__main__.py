"""`python -m stripe_bridge`: serve the API and the receivers of webhooks over HTTP."""

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
from stripe_bridge.adapters.web.api import openapi_document
from stripe_bridge.adapters.web.fast_path import FastPath
from stripe_bridge.bootstrap import create_asgi_app
from stripe_bridge.config import Settings, SettingsInvalid

# Not by `__name__`, which is `__main__` here.
_log = logging.getLogger("stripe_bridge")
# In seconds. A send waits up to 10 for another send of the same order.
_GRACEFUL_SHUTDOWN_TIMEOUT = 15
# A worker that shows no sign of life for this long is replaced. On a busy machine, loading all the code takes a while.
_HEALTHCHECK_TIMEOUT = 30
# Longer than proxies and clients keep their connections: otherwise they may send into one that is just being closed.
_KEEP_ALIVE_TIMEOUT = 75
# As many as the system allows. A client whose connection overflows it tries again after a second.
_BACKLOG = 65_535
# In bytes, for each connection, in the kernel, which otherwise buffers megabytes before the process reads them.
_RECEIVE_BUFFER = 64 * 1024


def _print_openapi(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(openapi_document("/"), nl=False)
        context.exit()


@click.command(name="python -m stripe_bridge", help="Serve the API and the receivers of webhooks over HTTP.")
@click.version_option(package_name="stripe-bridge", prog_name="stripe-bridge", message="%(prog)s %(version)s")
@click.option(
    "--openapi",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_openapi,
    help="Print the OpenAPI document and exit. Needs no settings.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="How many processes to run. More than one needs REDIS_URL.",
)
def serve(host: str, port: int, workers: int) -> None:
    try:
        settings = Settings.from_env(os.environ)
    except SettingsInvalid as error:
        raise SystemExit(str(error)) from None
    if workers > 1 and settings.redis_url is None:
        # Each process would run a worker and count rate limits for itself.
        raise click.UsageError("More than one process needs REDIS_URL.")
    config = uvicorn.Config(
        "stripe_bridge.__main__:create_app",
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
    with _bind(host, port) as bound, contextlib.suppress(KeyboardInterrupt):
        # uvicorn sends itself the signal again after an orderly shutdown: dying of it would look like a failure.
        signal.signal(signal.SIGTERM, _leave)
        # After uvicorn's own configuration, which sets up logging, too: the supervisor of several processes logs through ours.
        configure_logging(settings.log_level, json=settings.log_format == "json")
        files = raise_open_files_limit()
        _log.info("serving as soon as it is ready", extra={"host": host, "port": port, "open_files": files})
        if workers == 1:
            # What a supervisor does for each of its processes, as far as one can do it for itself.
            signal.signal(signal.SIGHUP, _end_in_order)
            uvicorn.Server(config).run([bound])
        else:
            _supervise(Multiprocess(config, [bound]))


def _supervise(supervisor: Multiprocess) -> None:
    supervisor.run()
    remove_folder_of_children(os.getpid())
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise SystemExit(STARTUP_FAILURE)


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


if __name__ == "__main__":
    serve()

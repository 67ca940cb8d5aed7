"""The server: uvicorn, with the options that this service needs."""

from __future__ import annotations

import contextlib
import errno
import logging
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable, Mapping

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

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


OnEnd = Callable[[int], None]
"""Called with the id of a process that supervised others, once it has ended: with what they leave behind."""


def serve(
    app: str,
    host: str,
    port: int,
    workers: int,
    *,
    prepare: Callable[[], Mapping[str, object]],
    on_end: OnEnd,
) -> None:
    """Serve until told to stop. Exits with one sentence if the port cannot be listened on.

    `app`, as `module:name`, is what each process calls for its application. `prepare` is called in the first process before it
    serves or starts others, and returns what the log should say.
    """
    config = uvicorn.Config(
        app,
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
    is_shared = _is_listened_on(host, port)
    bound = _bind(host, port)
    with contextlib.ExitStack() as sockets, contextlib.suppress(KeyboardInterrupt):
        listening = [sockets.enter_context(each) for each in _shared(bound)]
        # uvicorn sends itself the signal again after an orderly shutdown: dying of it would look like a failure.
        signal.signal(signal.SIGTERM, _leave)
        # After uvicorn's own configuration, which sets up logging, too: the supervisor of several processes logs through ours.
        _log_start({"host": host, "port": port}, prepare(), is_shared=is_shared)
        if workers == 1:
            # What a supervisor does for each of its processes, as far as one can do it for itself.
            signal.signal(signal.SIGHUP, _end_in_order)
            uvicorn.Server(config).run(listening)
        else:
            _supervise(Multiprocess(config, listening), on_end)


def _log_start(place: Mapping[str, object], facts: Mapping[str, object], *, is_shared: bool) -> None:
    _log.info("serving as soon as it is ready", extra={**place, **facts})
    if is_shared:
        # Right for a new release, which cannot be told from another service with other settings.
        _log.warning("port shared", extra=dict(place))


def _supervise(supervisor: Multiprocess, on_end: OnEnd) -> None:
    supervisor.run()
    on_end(os.getpid())
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise SystemExit(STARTUP_FAILURE)


def end_with_parent(on_end: OnEnd) -> None:
    """End this process, if another one started it to serve, when that has ended, by whatever signal.

    Otherwise it would share the port with the next start, and go on answering with the old settings.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def end() -> None:
        parent.join()
        if parent.pid is not None:
            on_end(parent.pid)
        # In order: requests under way are answered, while nothing listens any more.
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end, name="parent", daemon=True).start()


def _end_in_order(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _leave(*_: object) -> None:
    raise SystemExit(0)


def _is_listened_on(host: str, port: int) -> bool:
    """Whether another process listens there, so that both will get some of the requests."""
    with _socket_for(host) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def _socket_for(host: str) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)


def _bind(host: str, port: int) -> socket.socket:
    """Bind, but do not listen: each process listens once it is ready to serve.

    Others may listen there as well, so that a new release can start while the old one still serves.
    """
    bound = _socket_for(host)
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

"""A receiver on loopback that answers with exactly the bytes that it is told, as slowly as it is told."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

Script = Callable[[socket.socket, threading.Event], None]


@dataclass
class Received:
    head: bytes
    body: bytes
    server_name: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        lines = self.head.decode().split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


@dataclass
class ScriptedReceiver:
    """`connections` counts those that were accepted, `over` is set at the end."""

    port: int
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)


def answer(status: str = "200 OK", body: bytes = b"", *headers: str) -> Script:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    return lambda sock, _over: sock.sendall(head + body)


@contextmanager
def receiving(
    *scripts: Script, certificate: Path | None = None, family: socket.AddressFamily = socket.AF_INET
) -> Iterator[ScriptedReceiver]:
    """Plays a script for each request, the last one again and again."""
    listener = socket.create_server(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), family=family)
    receiver = ScriptedReceiver(listener.getsockname()[1])
    context, names = _tls(certificate)
    threads: list[threading.Thread] = []
    streams: list[socket.socket] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                sock, _ = listener.accept()
                receiver.connections += 1
                threads.append(threading.Thread(target=handle, args=(sock,)))
                threads[-1].start()

    def handle(sock: socket.socket) -> None:
        with suppress(OSError), sock:
            stream = sock if context is None else context.wrap_socket(sock, server_side=True)
            streams.append(stream)
            with stream:
                _talk(stream, receiver, scripts, names)

    server = threading.Thread(target=serve)
    server.start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for stream in streams:
            with suppress(OSError):
                # Those that are kept open wait for another request.
                socket.socket.shutdown(stream, socket.SHUT_RDWR)
        for thread in [server, *threads]:
            thread.join(30)


def _tls(certificate: Path | None) -> tuple[ssl.SSLContext | None, list[str | None]]:
    names: list[str | None] = []
    if certificate is None:
        return None, names
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _sock, name, _context: names.append(name)
    return context, names


def _talk(
    sock: socket.socket, receiver: ScriptedReceiver, scripts: Sequence[Script], names: list[str | None]
) -> None:
    sock.settimeout(30)
    while request := _read_request(sock):
        request.server_name = names[-1] if names else None
        receiver.requests.append(request)
        scripts[min(len(receiver.requests), len(scripts)) - 1](sock, receiver.over)


def _read_request(sock: socket.socket) -> Received | None:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = sock.recv(65536)
        if not chunk:
            return None
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    request = Received(head, body)
    while len(request.body) < int(request.headers.get("content-length", "0")):
        request.body += sock.recv(65536)
    return request

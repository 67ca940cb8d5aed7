"""An ERP's receiver of changes, complete. It needs `pip install standardwebhooks`.

    CHANGES_SECRET=whsec_… python receive.py --port 9000 --database changes.sqlite

The secret is what POST /api/subscribers answered. In production, put it behind whatever ends TLS for your ERP.
"""

import argparse
import os
import sys
import traceback
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from changes import Changes, HistoryChanged, Json, PageMissing
from standardwebhooks import Webhook, WebhookVerificationError

_MAX_BODY = 32 * 1024 * 1024


class Receiver:
    def __init__(self, changes: Changes, secret: str) -> None:
        self._changes, self._webhook = changes, Webhook(secret)

    def receive(self, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        """The answer's status, and why."""
        try:
            # Over the bytes as they came: parsing and writing JSON again changes them.
            message = self._webhook.verify(body, headers)
        except (WebhookVerificationError, ValueError):
            return 401, "The signature is missing, wrong, or more than five minutes old."
        return self._take(message) if message["type"] == "changes" else (204, "")

    def _take(self, page: Json) -> tuple[int, str]:
        try:
            new = self._changes.take(page)
        except HistoryChanged as why:
            # Delivery stops, and the service holds this tenant's sends: somebody has to look.
            return 409, f"The history has changed: {why}."
        except PageMissing as why:
            # It comes again, and an administrator sees this text in the subscriber's deliveries.
            return 503, f"A page is missing: {why}."
        for change in new:
            sys.stdout.write(in_words(change) + "\n")
        sys.stdout.flush()
        # Only now, that it is committed.
        return 204, ""


def in_words(change: Json) -> str:
    subject = change.get("subject") or {"type": "", "id": ""}
    words = f"{change['sequence']:>6}  {change['type']:<26}{subject['type']} {subject['id']}"
    if change.get("sales_order") is None:
        return words
    owed = change["sales_order"]["outstanding_in_cents"]
    return f"{words}, order {change['sales_order_id']} still owes {owed} cents"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # In seconds, for connections that nothing comes from.
    timeout = 60

    def __init__(self, receiver: Receiver, *arguments: Any) -> None:
        self._receiver = receiver
        super().__init__(*arguments)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _MAX_BODY:
            # What follows is not read, so that nothing else can follow it.
            self.close_connection = True
            self._answer(413, "A body of a known and reasonable length is expected.")
            return
        try:
            status, why = self._receiver.receive(self.rfile.read(int(length)), dict(self.headers.items()))
        except Exception:
            # The service sends it again.
            traceback.print_exc()
            status, why = 500, "It could not be stored."
        self._answer(status, why)

    def do_GET(self) -> None:
        """For whatever watches this process."""
        self._answer(204, "")

    def _answer(self, status: int, why: str) -> None:
        body = why.encode()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Only what is refused is worth a line."""
        if str(code).isdigit() and int(code) >= 400:
            super().log_request(code, size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--database", type=Path, default=Path("changes.sqlite"))
    given = parser.parse_args()
    receiver = Receiver(Changes(given.database), os.environ["CHANGES_SECRET"])
    with ThreadingHTTPServer((given.host, given.port), partial(Handler, receiver)) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()

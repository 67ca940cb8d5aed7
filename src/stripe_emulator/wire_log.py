"""A log of requests and answers, one exchange per line, without secrets."""

import collections
import json
import pathlib
import re
import threading
from typing import IO

from stripe_emulator.errors import Json

_SECRET_IN_JSON = re.compile(r'"(access_token|refresh_token|secret|client_secret)": "(?:[^"\\]|\\.)*"')
_SECRET_IN_FORM = re.compile(r"((?:^|&)(?:client_secret|refresh_token|code)=)[^&]*")
KEPT = 5_000


class WireLog:
    """The latest exchanges in memory, and all of them in a file if one is given."""

    def __init__(self, path: pathlib.Path | None = None) -> None:
        self._lock = threading.Lock()
        self._lines: collections.deque[str] = collections.deque(maxlen=KEPT)
        self._file: IO[str] | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Line buffered, so that a killed process loses no exchange that it answered.
            self._file = path.open("a", buffering=1, encoding="utf-8")

    def add(
        self, method: str, path: str, headers: dict[str, str], body: str, status: int, answer: str | None
    ) -> None:
        """Log an exchange. `answer` is JSON; if the connection was cut, `status` is 0 and `answer` None."""
        shown = {
            name: "Bearer [redacted]" if name.lower() == "authorization" else value
            for name, value in headers.items()
        }
        exchange: Json = {
            "method": method,
            "path": path,
            "headers": shown,
            "body": _SECRET_IN_FORM.sub(r"\1[redacted]", body),
            "status": status,
        }
        response = _SECRET_IN_JSON.sub(r'"\1": "[redacted]"', answer or "null")
        line = f'{json.dumps(exchange)[:-1]}, "response": {response}}}'
        with self._lock:
            self._lines.append(line)
            if self._file is not None and not self._file.closed:
                self._file.write(line + "\n")

    def lines(self) -> list[str]:
        """The exchanges in memory, oldest first."""
        with self._lock:
            return list(self._lines)

    def clear(self) -> None:
        """Clear what is in memory; the file stays."""
        with self._lock:
            self._lines.clear()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None:
                self._file.close()

"""An ERP behind a firewall, complete: it asks for changes instead of being told. With the standard library only.

    CHANGES_URL=https://bridge.example.com CHANGES_TOKEN=… python pull.py --database changes.sqlite

A request is held until there is something, so that a change is here a fraction of a second after it was made.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from changes import Changes, Json

# In seconds. A connection that died is noticed, although a request may be held for so long.
_WAIT, _TIMEOUT = 25, 40
_SHORTEST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0


class Puller:
    def __init__(self, changes: Changes, url: str, token: str) -> None:
        self._changes, self._url, self._token = changes, url.rstrip("/"), token

    def pull(self) -> float:
        """Take the next page. Returns for how many seconds to pause before the one after it."""
        cursor = self._changes.cursor()
        # What we hold goes along: the service's database may have been restored, and nobody else would notice.
        held = {"after": cursor.after, "hash": cursor.hash, "log": cursor.log, "wait": _WAIT}
        query = {name: value for name, value in held.items() if value is not None}
        try:
            page, pause = self._get(f"/api/changes?{urlencode(query)}")
        except HTTPError as refusal:
            if refusal.code not in (409, 410):
                raise
            self._restart(json.load(refusal))
            return 0.0
        if page["log"] is not None:
            for change in self._changes.take(page):
                report(f"{change['sequence']:>6}  {change['type']}")
        return pause

    def _restart(self, problem: Json) -> None:
        """Take over the present state, and go on behind it. Never from 0 on: the lists have all of it already."""
        report(f"Starting over: {problem['reason']}. {problem['detail']}")
        log, after = problem["log"], problem["restart_after"]
        # The lists are read after that number was told: what changes meanwhile comes again, and nothing is missed.
        self._changes.restart(log, after, list(self._objects()))

    def _objects(self) -> Iterator[tuple[str, Any, Json]]:
        """What `read_first` names."""
        for integration in self._listed("/api/stripe/integrations"):
            yield "integration", integration["id"], integration
            for invoice in self._listed(f"/api/stripe/integrations/{integration['id']}/invoices"):
                yield "invoice", invoice["id"], invoice
                refunds, _ = self._get(f"/api/stripe/invoices/{invoice['id']}/refunds")
                for refund in refunds["data"]:
                    yield "refund", refund["id"], refund

    def _listed(self, path: str) -> Iterator[Json]:
        page, _ = self._get(f"{path}?per_page=100")
        yield from page["data"]
        while page["next_cursor"] is not None:
            query = urlencode({"per_page": 100, "cursor": page["next_cursor"]})
            page, _ = self._get(f"{path}?{query}")
            yield from page["data"]

    def _get(self, path: str) -> tuple[Json, float]:
        """The answer, and for how long it asks us to pause. Raises OSError, of which HTTPError is one."""
        request = Request(self._url + path, headers={"Authorization": f"Bearer {self._token}"})
        with urlopen(request, timeout=_TIMEOUT) as answer:
            return json.load(answer), float(answer.headers.get("Retry-After", 0))


def report(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def run(puller: Puller) -> None:
    """For ever. After a failure it pauses for a second, then for two, four, up to a minute."""
    pause = _SHORTEST_PAUSE
    while True:
        try:
            time.sleep(puller.pull())
            pause = _SHORTEST_PAUSE
        except (OSError, HTTPException, ValueError) as error:
            if isinstance(error, HTTPError) and error.code in (401, 403):
                raise SystemExit(f"The token is not accepted: {error}") from error
            asked = error.headers.get("Retry-After", "0") if isinstance(error, HTTPError) else "0"
            report(f"Asking again: {error}")
            time.sleep(max(pause, float(asked)))
            pause = min(2 * pause, _LONGEST_PAUSE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", type=Path, default=Path("changes.sqlite"))
    given = parser.parse_args()
    run(Puller(Changes(given.database), os.environ["CHANGES_URL"], os.environ["CHANGES_TOKEN"]))


if __name__ == "__main__":
    main()

"""The console's pages over the same millions of invoices that `paging` reads: each as its own round trip, rendered."""

import html
import http.client
import json
import re
import statistics
import time
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from benchmarks.bench import Bench
from benchmarks.contenders.erp import TENANT
from benchmarks.contenders.ours import Service
from benchmarks.load.wrk import LoadFailed
from benchmarks.measures.library import Library
from benchmarks.options import Turns
from benchmarks.results import Finding, Outcome, Series
from stripe_bridge.domain.paging import cursor_after

_FIELD = re.compile(r'name="csrf" value="([^"]+)"')
_NAVIGATION = re.compile(r'<li><a href="(/console/[^"]+)"')


class Visitor:
    """An admin of the tenant in a browser, signed in by a link. There is a limit on what one session asks for in a minute."""

    def __init__(self, service: Service) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=300)
        link = service.flask("console", "link", "--tenant", TENANT, "--role", "admin", "--json")
        token = json.loads(link)["url"].partition("#")[2]
        self._cookie = ""
        _, page = self._ask("GET", "/console/sign-in")
        form = urlencode({"csrf": html.unescape(_FIELD.findall(page)[0]), "token": token})
        self._ask("POST", "/console/sign-in", form, wanted=http.HTTPStatus.SEE_OTHER)

    def get(self, path: str) -> tuple[float, str]:
        """The milliseconds it took, and the page."""
        return self._ask("GET", path)

    def navigation(self, page: str) -> dict[str, str]:
        """The first page of each section."""
        return {path.rpartition("/")[2]: path for path in _NAVIGATION.findall(self.get(page)[1])}

    def medians(self, pages: Mapping[str, str], turns: Turns) -> dict[str, float]:
        """The median milliseconds of each page when warm; the pages take turns."""
        return turns.medians(lambda: {name: self.get(path)[0] for name, path in pages.items()})

    def close(self) -> None:
        self._connection.close()

    def _ask(
        self, method: str, path: str, form: str | None = None, wanted: int = http.HTTPStatus.OK
    ) -> tuple[float, str]:
        headers = {"Cookie": self._cookie}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        begun = time.perf_counter()
        self._connection.request(method, path, form, headers)
        answer = self._connection.getresponse()
        body = answer.read().decode()
        taken = (time.perf_counter() - begun) * 1000
        if answer.status != wanted:
            raise LoadFailed(f"{method} {path}: {answer.status} {body[:500]!r}")
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            pair = cookie.partition(";")[0]
            if pair.partition("=")[0].endswith("console"):
                self._cookie = pair
        return taken, body


def measure_pages(bench: Bench, service: Service, library: Library) -> Outcome:
    taken: dict[str, list[float]] = {}
    for number in range(bench.options.rounds):
        visitor = Visitor(service)
        pages = _pages(visitor, library)
        for name, median in visitor.medians(pages, bench.options.console_turns).items():
            taken.setdefault(name, []).append(median)
        visitor.close()
        bench.report(f"  {number + 1}/{bench.options.rounds} console")
    worst = {name: max(medians) for name, medians in taken.items()}
    slowest = sorted(worst, key=lambda name: worst[name], reverse=True)[:5]
    words = ", ".join(f"{name} {statistics.median(taken[name]):.0f} ms" for name in slowest)
    return Outcome(
        findings=[
            Finding(
                "console pages",
                tuple(statistics.median(medians) for medians in taken.values()),
                counts="worst",
                note=f"{len(taken)} pages, the slowest: {words}",
            )
        ],
        series=[Series("console", name, "ms", tuple(medians)) for name, medians in taken.items()],
    )


def _pages(visitor: Visitor, library: Library) -> dict[str, str]:
    """Where each section starts, and each way to search, also deep in its list."""
    invoices, orders = "/console/invoices", "/console/orders"
    middle = cursor_after((library.first_invoice + library.last_invoice) // 2)
    searches: dict[str, dict[str, object]] = {
        "by integration": {"integration": library.integration["id"]},
        "open": {"status": "open"},
        "paid": {"status": "paid"},
        "payment failed": {"payment_status": "failed"},
        "payment pending, of which there is none": {"payment_status": "pending"},
        "nobody has begun to pay": {"payment_status": "none"},
        "number begins": {"q": "BENCH-0"},
        "email begins": {"q": "jenny1@"},
        "email begins as many do": {"q": "jenny@", "by": "email"},
        "Stripe id": {"q": library.stripe_id},
        "sales order": {"q": str(library.order)},
        "open, of some days": {"status": "open", "from": library.day, "until": library.day},
        "paid, by number": {"q": "BENCH-0", "status": "paid"},
    }
    pages = {f"invoices, {name}": f"{invoices}?{urlencode(query)}" for name, query in searches.items()}
    deep: tuple[dict[str, object], ...] = (
        {},
        searches["open"],
        searches["number begins"],
        searches["by integration"],
    )
    for query in deep:
        words = " ".join(["invoices, deep", *map(str, query)])
        pages[words] = f"{invoices}?{urlencode({**query, 'cursor': middle})}"
    return {
        **visitor.navigation(invoices),
        **pages,
        "invoice": f"{invoices}/{library.last_invoice}",
        "orders, number begins": f"{orders}?q=SO-1",
        "orders, deep": f"{orders}?{urlencode({'cursor': cursor_after(library.order)})}",
        "order": f"{orders}/{library.order}",
        "integration": f"/console/integrations/{library.integration['id']}",
    }

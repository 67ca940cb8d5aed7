"""Our own time in sending an invoice: the whole time, less the time that the emulator took.

For comparison, what no way of sending can avoid: the SDK's own share of as many calls, with nothing around them, and one
read over the REST API, which makes no call and writes nothing.
"""

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.bench import Bench
from benchmarks.contenders.erp import SENDS_PER_TOKEN, Erp
from benchmarks.results import Finding, Outcome, Series, percentile, ratios
from benchmarks.stand.emulator import CLIENT_ID, SECRET_KEY
from benchmarks.stand.proxy import MeasuringProxy
from stripe_bridge.adapters.stripe_gateway.client import StripeConfig, build_client

# After this many sends, connections, caches and prepared statements exist.
_WARMING = 5


@dataclass
class _Rounds:
    """Medians of each round, in milliseconds."""

    own: list[float] = field(default_factory=list)
    trips: list[float] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)
    sdk: list[float] = field(default_factory=list)
    reads: list[float] = field(default_factory=list)

    def outcome(self) -> Outcome:
        """The ratio, and the unavoidable parts in the same unit."""
        sdk, reads = (statistics.median(ratios(part, self.trips)) for part in (self.sdk, self.reads))
        note = (
            f"{percentile(self.calls, 50):g} calls to Stripe each; the SDK's share of these alone is {sdk:.1f} ×,"
            f" an authenticated read of one invoice, without a call or a write, {reads:.1f} ×"
        )
        named = {
            "our own time": self.own,
            "one round trip to the emulator": self.trips,
            "the SDK alone, for as many calls": self.sdk,
            "reading one invoice": self.reads,
        }
        return Outcome(
            findings=[Finding("sending", ratios(self.own, self.trips), note=note)],
            series=[Series("sending", name, "ms", tuple(values)) for name, values in named.items()],
        )


def measure(bench: Bench) -> Outcome:
    """No receivers are registered, so that no webhooks arrive during the measurement."""
    options = bench.options
    rounds = _Rounds()
    with MeasuringProxy(bench.emulator.url) as proxy, bench.service(stripe_url=proxy.url) as service:
        total = options.rounds * options.sends + _WARMING
        erp = Erp(service, tokens=math.ceil(total / SENDS_PER_TOKEN) + 1)
        integration = erp.connect(bench.emulator)
        for number in range(1, total + 1):
            erp.order(number)
        numbers = iter(range(1, total + 1))
        for _ in range(_WARMING):
            invoice = erp.send(integration, next(numbers))
        call = _bare_call(proxy, str(integration["stripe_account_id"]), str(invoice["stripe_invoice_id"]))
        for turn in range(options.rounds):
            sends = [
                _timed(proxy, lambda: erp.send(integration, next(numbers))) for _ in range(options.sends)
            ]
            bare = [_timed(proxy, call) for _ in range(options.sends)]
            reads = [
                _timed(proxy, lambda: erp.ask("GET", f"/api/stripe/invoices/{invoice['id']}"))
                for _ in range(options.sends)
            ]
            rounds.own.append(statistics.median(sent.own for sent in sends))
            rounds.trips.append(statistics.median(trip for sent in sends for trip in sent.trips))
            rounds.calls.append(statistics.median(len(sent.trips) for sent in sends))
            rounds.sdk.append(statistics.median(one.own for one in bare) * rounds.calls[-1])
            rounds.reads.append(statistics.median(read.own for read in reads))
            bench.report(
                f"  {turn + 1}/{options.rounds} own {rounds.own[-1]:.1f} ms, round trip {rounds.trips[-1]:.1f} ms"
            )
    return rounds.outcome()


def _bare_call(proxy: MeasuringProxy, account_id: str, invoice_id: str) -> Callable[[], object]:
    """A bare SDK call for an account, through the same proxy and with the same client as the service's calls."""
    access = StripeConfig(secret_key=SECRET_KEY, client_id=CLIENT_ID, api_base=proxy.url)
    client = build_client(access)
    return lambda: client.raw_request("get", f"/v1/invoices/{invoice_id}", stripe_account=account_id)


@dataclass(frozen=True)
class _Timed:
    """In milliseconds. `own` excludes the time that the emulator took."""

    own: float
    trips: list[float]


def _timed(proxy: MeasuringProxy, work: Callable[[], object]) -> _Timed:
    proxy.forget()
    begun = time.perf_counter()
    work()
    own = time.perf_counter() - begun - proxy.busy()
    return _Timed(own * 1000, [duration * 1000 for duration in proxy.durations()])

"""Our own time in sending an invoice: the whole of it, less what the emulator had in hand."""

import math
import statistics
import time

from benchmarks.bench import Bench
from benchmarks.contenders.erp import SENDS_PER_TOKEN, Erp
from benchmarks.results import Finding, Outcome, Series, percentile, ratios
from benchmarks.stand.proxy import MeasuringProxy

# Connections, caches and statements are made by then.
_WARMING = 5


def measure(bench: Bench) -> Outcome:
    """No receivers are registered: Stripe sends no webhooks into the middle of what is measured."""
    options = bench.options
    own: list[float] = []
    trips: list[float] = []
    calls: list[float] = []
    with MeasuringProxy(bench.emulator.url) as proxy, bench.service(stripe_url=proxy.url) as service:
        total = options.rounds * options.sends + _WARMING
        erp = Erp(service, tokens=math.ceil(total / SENDS_PER_TOKEN) + 1)
        integration = erp.connect(bench.emulator)
        for number in range(1, total + 1):
            erp.order(number)
        numbers = iter(range(1, total + 1))
        for _ in range(_WARMING):
            erp.send(integration, next(numbers))
        for turn in range(options.rounds):
            sends = [_send(erp, integration, next(numbers), proxy) for _ in range(options.sends)]
            own.append(statistics.median(sent.own for sent in sends))
            trips.append(statistics.median(trip for sent in sends for trip in sent.trips))
            calls.append(statistics.median(len(sent.trips) for sent in sends))
            bench.tell(f"  {turn + 1}/{options.rounds} own {own[-1]:.1f} ms, round trip {trips[-1]:.1f} ms")
    return Outcome(
        findings=[
            Finding("sending", ratios(own, trips), note=f"{percentile(calls, 50):g} calls to Stripe each")
        ],
        series=[
            Series("sending", "our own time", "ms", tuple(own)),
            Series("sending", "one round trip to the emulator", "ms", tuple(trips)),
        ],
    )


class _Sent:
    """One sent invoice, in milliseconds."""

    def __init__(self, wall: float, proxy: MeasuringProxy) -> None:
        self.own = (wall - proxy.busy()) * 1000
        self.trips = [duration * 1000 for duration in proxy.durations()]


def _send(erp: Erp, integration: dict[str, object], number: int, proxy: MeasuringProxy) -> _Sent:
    proxy.forget()
    begun = time.perf_counter()
    erp.send(integration, number)
    return _Sent(time.perf_counter() - begun, proxy)

"""How soon a subscriber is told of a payment: from Stripe's webhook, and from the commit that recorded it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime

from benchmarks.bench import Bench
from benchmarks.contenders.erp import Erp, Json
from benchmarks.contenders.ours import Service
from benchmarks.load.paced import deliver
from benchmarks.measures.applying import paid_invoices
from benchmarks.results import Finding, Outcome, Series, percentile
from benchmarks.stand.subscriber import Subscriber
from tests.waiting import wait_until

PER_SECOND = 50
_PAID = '"type":"invoice.paid"'


@dataclass
class Contender:
    """`from_webhook` and `from_commit` have the milliseconds of each payment, round by round."""

    name: str
    service: Service
    subscriber: Subscriber
    turns: Sequence[Sequence[Json]]
    pages: int = 0
    from_webhook: list[list[float]] = field(default_factory=list)
    from_commit: list[list[float]] = field(default_factory=list)

    def play(self, number: int) -> None:
        told = sum(len(turn) for turn in self.from_webhook)
        events = self.turns[number]
        due = deliver(self.service.webhooks, events, per_second=PER_SECOND)
        paid = told + len(events) // 6
        wait_until(lambda: self.subscriber.has(_PAID, paid), every=0.1)
        found = list(self._told(due))
        self.from_webhook.append([webhook for webhook, _ in found])
        self.from_commit.append([commit for _, commit in found])

    def _told(self, due: dict[str, float]) -> Iterator[tuple[float, float]]:
        self.pages = 0
        for page in self.subscriber.pages():
            self.pages += 1
            for entry in page.entries:
                sent_at = due.get(entry["cause"].get("stripe_event_id", ""))
                if entry["type"] == "invoice.paid" and sent_at is not None:
                    # Numbered as the last thing before the commit, so that the commit itself counts as well.
                    recorded_at = datetime.fromisoformat(entry["occurred_at"]).timestamp()
                    yield (page.arrived_at - sent_at) * 1000, (page.arrived_at - recorded_at) * 1000


def measure(bench: Bench) -> Outcome:
    with ExitStack() as on_shutdown:
        contenders = [_on_servers(bench, on_shutdown), _embedded(bench, on_shutdown)]
        for number in range(bench.options.rounds):
            for each in contenders if number % 2 == 0 else reversed(contenders):
                each.play(number)
                median, worst = (percentile(each.from_webhook[-1], percent) for percent in (50, 99))
                bench.report(f"  {number + 1} {each.name}: p50 {median:.0f} ms, p99 {worst:.0f} ms")
    servers, embedded = contenders
    return Outcome(
        findings=[
            Finding("told, servers", _percentiles(servers.from_webhook, 99), note=_words(servers)),
            Finding("told, embedded", _percentiles(embedded.from_webhook, 99), note=_words(embedded)),
        ],
        series=[
            Series(
                "delivering", f"{each.name}, from the {what}, p{percent}", "ms", _percentiles(found, percent)
            )
            for each in contenders
            for what, found in (("webhook", each.from_webhook), ("commit", each.from_commit))
            for percent in (50, 99)
        ],
    )


def _percentiles(turns: Sequence[Sequence[float]], percent: float) -> tuple[float, ...]:
    return tuple(percentile(turn, percent) for turn in turns)


def _words(contender: Contender) -> str:
    commits = [each for turn in contender.from_commit for each in turn]
    webhooks = [each for turn in contender.from_webhook for each in turn]
    return (
        f"p50 {percentile(webhooks, 50):.0f} ms; from the commit p50 {percentile(commits, 50):.0f} and p99"
        f" {percentile(commits, 99):.0f} ms; {contender.pages} pages for {len(webhooks)} payments"
    )


def _on_servers(bench: Bench, on_shutdown: ExitStack) -> Contender:
    service = on_shutdown.enter_context(bench.service())
    contender = _subscribed(bench, "PostgreSQL and one worker", service, on_shutdown)
    service.start_worker()
    return contender


def _embedded(bench: Bench, on_shutdown: ExitStack) -> Contender:
    service = bench.embedded(bench.folder / "delivering.sqlite")
    return _subscribed(bench, "SQLite", on_shutdown.enter_context(service), on_shutdown)


def _subscribed(bench: Bench, name: str, service: Service, on_shutdown: ExitStack) -> Contender:
    bench.report(f"  sending and paying the invoices, {name} ...")
    turns = paid_invoices(bench, service)
    subscriber = on_shutdown.enter_context(Subscriber(bench.folder))
    Erp(service, role="admin").ask("POST", "/api/subscribers", {"url": subscriber.url})
    return Contender(name, service, subscriber, turns)

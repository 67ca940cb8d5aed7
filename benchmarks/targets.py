"""The targets. Their words and figures are the project's; what is measured is compared with them."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Target:
    """`unit` is `%` (a ratio times 100), `×` (a ratio), `MB`, `ms`, `s` or `min`. Unless `more`, less is better."""

    name: str
    text: str
    least: float
    aim: float
    unit: str
    more: bool = True

    def is_met(self, measured: float, wanted: float) -> bool:
        return measured >= wanted if self.more else measured <= wanted

    def shown(self, value: float) -> str:
        if self.unit == "%":
            return f"{value:.0f} %"
        digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
        return f"{value:,.{digits}f} {self.unit}"


TARGETS = (
    Target(
        name="acks against pgbench",
        text="durable acknowledgements, PostgreSQL, two processes, against the pgbench limit",
        least=40,
        aim=60,
        unit="%",
    ),
    Target(
        name="acks against dj-stripe",
        text="… against dj-stripe storing its trigger",
        least=12,
        aim=20,
        unit="×",
    ),
    Target(
        name="acks against sync-engine",
        text="… against stripe-sync-engine",
        least=3,
        aim=4.5,
        unit="×",
    ),
    Target(
        name="p99 against pgbench",
        text="p99 of an acknowledgement at 16 connections, as a multiple of pgbench's own p99",
        least=4,
        aim=2,
        unit="×",
        more=False,
    ),
    Target(
        name="applied against dj-stripe",
        text="events received *and* applied (a paid invoice's six), against dj-stripe's full processing of the same",
        least=15,
        aim=40,
        unit="×",
    ),
    Target(
        name="acks on SQLite",
        text="durable acknowledgements on the embedded default (SQLite, FULL), against bare SQLite inserts of the same"
        " row from one process",
        least=40,
        aim=70,
        unit="%",
    ),
    Target(
        name="paging",
        text="page 50,000 by cursor against page 1, for every list, at 5 million rows",
        least=1.5,
        aim=1.1,
        unit="×",
        more=False,
    ),
    Target(
        name="console pages",
        text="each page of the console over the same rows, rendered",
        least=200,
        aim=100,
        unit="ms",
        more=False,
    ),
    Target(
        name="sending",
        text="our own time in sending an invoice (emulator's time taken off), against one emulator round trip",
        least=3,
        aim=1.5,
        unit="×",
        more=False,
    ),
    Target(
        name="memory",
        text="memory of one web process, one worker, at rest and after the run, in MB",
        least=110,
        aim=90,
        unit="MB",
        more=False,
    ),
    Target(
        name="help",
        text="`stripe-bridge --help`, the whole process, against one that imports Flask",
        least=2,
        aim=1.3,
        unit="×",
        more=False,
    ),
    Target(
        name="command",
        text="a command that reads the database, the whole process, against one that imports Flask and SQLAlchemy's ORM",
        least=2.5,
        aim=1.7,
        unit="×",
        more=False,
    ),
    Target(
        name="acks while applying",
        text="acknowledgements while 100,000 stored events are being applied, against none being applied",
        least=50,
        aim=70,
        unit="%",
    ),
    Target(
        name="recording",
        text="events received *and* applied, against the release before the change log",
        least=80,
        aim=90,
        unit="%",
    ),
    Target(
        name="searching",
        text="… with the indexes of `updated_since` and of the searches, against without",
        least=97,
        aim=99,
        unit="%",
    ),
    Target(
        name="acks while recording",
        text="acknowledgements on SQLite while paid invoices are applied, against the release before the change log",
        least=80,
        aim=90,
        unit="%",
    ),
    Target(
        name="told, servers",
        text="from Stripe's webhook to the subscriber, for 99 of 100, at 50 paid invoices a second, PostgreSQL and one worker",
        least=500,
        aim=250,
        unit="ms",
        more=False,
    ),
    Target(
        name="told, embedded",
        text="… on the embedded default",
        least=500,
        aim=250,
        unit="ms",
        more=False,
    ),
    Target(
        name="feed",
        text="page 100,000 of the feed against page 1, at a million changes",
        least=1.5,
        aim=1.1,
        unit="×",
        more=False,
    ),
    Target(
        name="verify",
        text="verifying the chain of a million changes, with one core",
        least=60,
        aim=30,
        unit="s",
        more=False,
    ),
    Target(
        name="verify with objects",
        text="… and comparing every object with its newest change",
        least=180,
        aim=120,
        unit="s",
        more=False,
    ),
    Target(
        name="existing",
        text="recording a million objects that were there before the change log, with one worker",
        least=60,
        aim=30,
        unit="min",
        more=False,
    ),
    Target(
        name="acks while recording existing",
        text="acknowledgements while they are being recorded, against none being recorded",
        least=50,
        aim=70,
        unit="%",
    ),
)
BY_NAME = {target.name: target for target in TARGETS}

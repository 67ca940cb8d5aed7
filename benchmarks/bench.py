"""What all measures work with: one PostgreSQL, one Redis, one emulator, and a folder for logs."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from benchmarks.contenders import dj_stripe, ours, sync_engine
from benchmarks.contenders.erp import Erp
from benchmarks.contenders.ours import Service
from benchmarks.load.payloads import Numbers, Template
from benchmarks.load.player import Player
from benchmarks.load.wrk import Wrk
from benchmarks.options import ROOT, Options
from benchmarks.stand.emulator import Emulator
from benchmarks.stand.postgres import Postgres
from tests.servers import preloaded
from tests.servers.redis import RedisServer

_TEMPLATE = "migrated"


@dataclass
class Bench:
    """Everything that a measure needs. `versions` grows with what is installed."""

    options: Options
    postgres: Postgres
    redis: RedisServer
    emulator: Emulator
    folder: Path
    versions: dict[str, str]
    has_wrk: bool
    _numbers: Numbers = field(default_factory=Numbers)
    _databases: int = 0

    def report(self, text: str) -> None:
        """Print progress."""
        print(text, flush=True)

    def service(self, *, stripe_url: str | None = None, release: Path = ROOT) -> Service:
        """Our service on PostgreSQL and Redis, with an empty database. Stripe is the emulator unless `stripe_url` is given."""
        self._databases += 1
        name = f"ours_{self._databases}"
        if release == ROOT:
            database = self.postgres.create(name, template=self._migrated)
        else:
            database = self.postgres.create(name)
            ours.migrate(self.postgres.url(database), self.emulator.url, self.folder, release=release)
        return Service(
            database_url=self.postgres.url(database),
            redis_url=self.redis.url(self._databases),
            stripe_url=stripe_url or self.emulator.url,
            folder=self.folder,
            web_processes=1 if self.options.smoke else 2,
            release=release,
            forked=self.options.smoke,
        )

    def embedded(self, database: Path, *, release: Path = ROOT) -> Service:
        """Our service as one process with its own worker, on an empty SQLite file."""
        url = f"sqlite:///{database}"
        ours.migrate(url, self.emulator.url, self.folder, release=release)
        return Service(
            database_url=url,
            redis_url=None,
            stripe_url=self.emulator.url,
            folder=self.folder,
            release=release,
            forked=self.options.smoke,
        )

    @cached_property
    def _migrated(self) -> str:
        self.postgres.create(_TEMPLATE)
        ours.migrate(self.postgres.url(_TEMPLATE), self.emulator.url, self.folder)
        return _TEMPLATE

    def template(self, erp: Erp) -> Template:
        """An `invoice.paid` as the service receives it, for an invoice sent through it and paid at the emulator."""
        integration = erp.connect(self.emulator)
        erp.order(1)
        stripe_id = erp.send(integration, 1)["stripe_invoice_id"]
        events = self.emulator.pay_all(integration["stripe_account_id"], [stripe_id])
        return Template.of(next(event for event in events if event["type"] == "invoice.paid"))

    def load(self, template: Template) -> Wrk | Player:
        kind = Wrk if self.has_wrk else Player
        return kind(template, self._numbers)

    def install_peers(self) -> None:
        self.report("  making sure that the peers are installed ...")
        self.versions |= dj_stripe.install() | sync_engine.install()


@contextmanager
def started(options: Options, *, has_wrk: bool) -> Iterator[Bench]:
    """Run all servers, and remove them afterwards."""
    with ExitStack() as on_shutdown:
        folder = Path(on_shutdown.enter_context(tempfile.TemporaryDirectory(prefix="stripe-bridge-bench-")))
        postgres = on_shutdown.enter_context(Postgres())
        redis = RedisServer()
        on_shutdown.callback(redis.close)
        redis.start()
        on_shutdown.callback(preloaded.close)
        emulator = on_shutdown.enter_context(Emulator(folder))
        yield Bench(options, postgres, redis, emulator, folder, {}, has_wrk)

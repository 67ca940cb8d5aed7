"""The storm: users work while Stripe misbehaves and processes are killed; afterwards, our state is compared with Stripe's."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stripe_bridge.adapters.database.migrations_runner import migrate
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer
from tests.storm.service import Process, Service
from tests.storm.subscribers import Subscribers
from tests.storm.truth import faults, is_at_rest
from tests.storm.users import Order, Shop, User, join_shops, new_token, open_shop

Tell = Callable[[str], None]
Json = dict[str, Any]
_SHOPS = 4
_LONGEST_REST = 300.0
_FURTHEST_CLOCK = 300.0


def misbehavior(seed: int) -> Json:
    """Stripe's misbehavior, in calls and in deliveries."""
    chances = {
        "rate_limit": 0.03,
        "lock_timeout": 0.03,
        "500_before": 0.02,
        "500_after": 0.02,
        "cut_before": 0.02,
        "cut_after": 0.02,
    }
    calls = [{"effect": effect, "path": "^/v1/", "probability": chance} for effect, chance in chances.items()]
    slow = {"effect": "delay", "path": "^/v1/", "probability": 0.1, "ms": 150}
    # A code that may have been redeemed is never redeemed again, since that would revoke everything: the merchant has to
    # authorize again. This happens to a third of those that connect during the storm.
    oauth = [
        {"effect": effect, "path": "^/oauth/token", "probability": 0.08}
        for effect in ("rate_limit", "500_before", "500_after", "cut_before", "cut_after")
    ]
    deliveries = {
        "duplicate": 0.2,
        "delay": 0.2,
        "delay_ms": 1500,
        "drop": 0.1,
        "reorder": 0.3,
        "reorder_ms": 800,
        "same_second": 0.5,
    }
    return {"seed": seed, "calls": [*calls, slow, *oauth], "deliveries": deliveries}


@dataclass
class Place:
    """Where the storm takes place: the service, and its servers, which can also be killed."""

    service: Service
    servers: dict[str, PostgresServer | RedisServer] = field(default_factory=dict)


@contextmanager
def on_servers(folder: Path, **settings: str) -> Iterator[Place]:
    """Two web processes and two workers on PostgreSQL and Redis."""
    with ExitStack() as on_shutdown:
        postgres, redis = PostgresServer(), RedisServer()
        on_shutdown.callback(postgres.close)
        on_shutdown.callback(redis.close)
        postgres.start()
        redis.start()
        migrate(postgres.url())
        service = Service(folder, postgres.url(), redis.url(), web=2, workers=2, settings=settings)
        on_shutdown.callback(service.close)
        service.start()
        yield Place(service, {"postgres": postgres, "redis": redis})


@contextmanager
def embedded(folder: Path, **settings: str) -> Iterator[Place]:
    """One web process with its own worker, on SQLite."""
    url = f"sqlite:///{folder / 'bridge.sqlite'}"
    migrate(url)
    service = Service(folder, url, None, web=1, workers=0, settings=settings)
    try:
        service.start()
        yield Place(service)
    finally:
        service.close()


@dataclass
class Report:
    orders: list[Order]
    kills: Counter[str]
    faults: list[str]
    seconds: float
    rest_seconds: float
    events: int
    deliveries: Counter[str] = field(default_factory=Counter)


def storm(place: Place, *, size: int, seed: int, users: int, every: float, report_progress: Tell) -> Report:
    """`every` is the mean time between kills, in seconds. Call this from the main thread, since it starts processes."""
    kills: Counter[str] = Counter()
    with Subscribers(place.service, seed) as subscribers:

        def blow(working: list[Future[Order]]) -> None:
            _blow(place, working, random.Random(seed), every, kills, subscribers.go_on, report_progress)

        report = carry_through(
            place,
            blow,
            size=size,
            seed=seed,
            users=users,
            report_progress=report_progress,
            setting=misbehavior(seed),
            opened=subscribers.subscribe,
        )
        report.faults += subscribers.faults()
        report.deliveries = subscribers.requests()
    report.kills.update(kills)
    return report


def carry_through(
    place: Place,
    meanwhile: Callable[[list[Future[Order]]], None],
    *,
    size: int,
    seed: int,
    users: int,
    report_progress: Tell = lambda _line: None,
    setting: Json | None = None,
    opened: Callable[[list[Shop]], None] = lambda _shops: None,
    wait_for_turn: Callable[[int], object] = lambda _number: None,
) -> Report:
    """Work through this many orders while something happens, until everything is at rest.

    `wait_for_turn` is called with each order's number before its user begins.
    """
    began, service = time.monotonic(), place.service
    shops = [open_shop(service, number) for number in range(1, _SHOPS + 1)]
    opened(shops)
    everyone = [
        User(service, shops, number, seed, new_token(service, shops[number % _SHOPS]))
        for number in range(1, size + 1)
    ]
    service.misbehave(setting or {})
    with ThreadPoolExecutor(users + 1) as pool:
        joining = pool.submit(join_shops, service, size // 6, seed)
        working = [pool.submit(_live, user, wait_for_turn) for user in everyone]
        try:
            meanwhile(working)
        except BaseException:
            # Do not wait for users that have not begun.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    orders = [each.result() for each in working]
    resting = time.monotonic()
    _rest(place, shops_ids=[shop.integration_id for shop in shops], report_progress=report_progress)
    now = time.monotonic()
    return Report(
        orders=orders,
        kills=Counter(),
        faults=[
            *faults(service, orders),
            *_not_joined(service, joining.result()),
            *_refused_webhooks(service),
        ],
        seconds=now - began,
        rest_seconds=now - resting,
        events=len(service.control.objects("events")),
    )


def _live(user: User, wait_for_turn: Callable[[int], object]) -> Order:
    wait_for_turn(user.order.number)
    return user.live()


def _refused_webhooks(service: Service) -> list[str]:
    """Deliveries that were answered as if their signature were wrong or too old: none is, whatever a host's clock shows."""
    return [
        f"the delivery of {delivery['event']} was refused with {attempt['status']}"
        for delivery in service.control.objects("deliveries")
        for attempt in delivery["attempts"]
        if attempt["status"] in (400, 401, 403)
    ]


def _not_joined(service: Service, joined: dict[int, Shop | str]) -> list[str]:
    """Faults of newcomers: each must be connected to an account of its own that is also connected at Stripe."""
    shops = {number: shop for number, shop in joined.items() if isinstance(shop, Shop)}
    found = [f"newcomer {number}: {shop}" for number, shop in joined.items() if not isinstance(shop, Shop)]
    views = {
        number: service.operator.integrations.show(shop.tenant, shop.integration_id).integration
        for number, shop in shops.items()
    }
    connected = {each["id"] for each in service.control.objects("accounts") if each["connected"]}
    accounts = Counter(view.account_id for view in views.values())
    found += [f"newcomer {number} is not connected" for number, view in views.items() if not view.connected]
    found += [f"{each} is connected here, and not at Stripe" for each in accounts.keys() - connected]
    return found + [f"{each} is connected {times} times" for each, times in accounts.items() if times > 1]


def _blow(
    place: Place,
    working: list[Future[Order]],
    chance: random.Random,
    every: float,
    kills: Counter[str],
    go_on: Callable[[float], None],
    report_progress: Tell,
) -> None:
    """`go_on` is told how much of it is over."""
    service, began = place.service, time.monotonic()
    while not all(each.done() for each in working):
        wait(working, timeout=chance.uniform(0.5, 1.5) * every)
        done = sum(each.done() for each in working)
        go_on(done / len(working))
        report_progress(
            f"{time.monotonic() - began:5.0f} s  {done:5} of {len(working)} orders done  {_in_words(kills)}"
        )
        _step_a_clock(place, chance)
        if done < len(working):
            victim = chance.choice([*place.servers, *["web"] * 2, *["worker"] * 2 * bool(service.workers)])
            kills[victim] += 1
            _strike(place, victim, chance)


def _step_a_clock(place: Place, chance: random.Random) -> None:
    """Set the clock of one process's host, so that two may be ten minutes apart."""
    process = chance.choice([*place.service.web, *place.service.workers])
    process.set_clock(chance.uniform(-_FURTHEST_CLOCK, _FURTHEST_CLOCK))


def _strike(place: Place, victim: str, chance: random.Random) -> None:
    """Kill it and start it again; servers stay dead for a moment."""
    service = place.service
    if victim in place.servers:
        server = place.servers[victim]
        server.kill()
        time.sleep(chance.uniform(0.1, 2.0))
        server.start()
        return
    processes: list[Process] = service.web if victim == "web" else service.workers
    process = chance.choice(processes)
    # One in four is stopped in order, as in an upgrade.
    if chance.random() < 0.25:
        process.stop()
    else:
        process.kill()
    if not place.servers:
        # Without a database that has a clock, a process goes by what its host shows at the start.
        process.set_clock(0)
    process.start()


def _rest(place: Place, *, shops_ids: list[int], report_progress: Tell) -> None:
    service = place.service
    service.calm()
    service.start_stopped()
    deadline = time.monotonic() + _LONGEST_REST
    _wait_for_rest(service, deadline)
    # Stripe never sends dropped events again; reconciling is how we learn of them.
    for integration_id in shops_ids:
        report = service.operator.reconciliation.reconcile(integration_id)
        drift = {cause.value: number for cause, number in report.drift.items() if number}
        report_progress(
            f"reconciled {integration_id}: {drift or 'no drift'}{' ' + str(report.faults) if report.faults else ''}"
        )
    _wait_for_rest(service, deadline)


def _wait_for_rest(service: Service, deadline: float) -> None:
    while not is_at_rest(service):
        if time.monotonic() > deadline:
            raise AssertionError(f"Not at rest: {service.operator.operations.measure_backlog()}")
        time.sleep(0.5)


def _in_words(kills: Counter[str]) -> str:
    return "killed: " + (
        ", ".join(f"{name} {times}" for name, times in sorted(kills.items())) or "nothing yet"
    )

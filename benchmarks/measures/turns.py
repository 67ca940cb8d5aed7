"""Taking turns: each contender plays once in every round, so that disturbances affect all of them alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.contenders.ours import Service
from benchmarks.load.player import Player
from benchmarks.load.wrk import Played, Wrk


@dataclass(frozen=True)
class Contender:
    """`play` plays one turn of so many seconds; `database` is where it stores what it acknowledges."""

    name: str
    database: str
    play: Callable[[float], Played]


def of_service(name: str, bench: Bench, service: Service, load: Wrk | Player) -> Contender:
    """Our service, on PostgreSQL."""

    def stored() -> int:
        count: int = bench.postgres.value(service.database, "SELECT count(*) FROM webhook_events")
        return count

    return Contender(name, service.database, lambda seconds: load.play(service.webhooks, seconds, stored))


def take_turns(bench: Bench, contenders: Sequence[Contender]) -> dict[str, list[Played]]:
    """What each did in its turns. Every other round is reversed, so that none always follows the same contender."""
    played: dict[str, list[Played]] = {contender.name: [] for contender in contenders}
    for number in range(bench.options.rounds):
        for contender in contenders if number % 2 == 0 else reversed(contenders):
            with bench.postgres.watched(contender.database) as turn:
                done = contender.play(bench.options.seconds)
                turn.acknowledged = done.acknowledged
            played[contender.name].append(done)
            bench.report(
                f"  {number + 1}/{bench.options.rounds} {contender.name}: {done.per_second:,.0f} per second"
            )
    return played

"""Faults on command: in single API calls, in refunds and in deliveries.

A setting is JSON; docs/emulator.md describes it. A rule strikes with a `probability`, for the `next` n
matching calls, or for the `nth` only; without any of these, always.
"""

import random
import re
import time
from dataclasses import dataclass, field
from typing import Any

from stripe_emulator.errors import Json

EFFECTS = (
    "rate_limit",
    "lock_timeout",
    "forbidden",
    "500_before",
    "500_after",
    "cut_before",
    "cut_after",
    "delay",
    "crash_before",
    "crash_after",
)
RULE_FIELDS = {"effect", "method", "path", "probability", "next", "nth", "ms", "stored", "reason"}
REFUND_STATUSES = ("pending", "requires_action", "succeeded", "failed")
REFUND_FIELDS = {"status", "next", "probability"}
CHANCES = {"duplicate", "delay", "drop", "reorder", "same_second"}
DELIVERY_FIELDS = {*CHANCES, "hold", "delay_ms", "reorder_ms"}
NUMBERS = {*CHANCES, "delay_ms", "reorder_ms", "probability", "next", "nth", "ms"}


class MisbehaviorError(ValueError):
    """A setting that is not valid."""


@dataclass
class Rule:
    """A fault, and the API calls that it strikes."""

    effect: str
    method: str = ""
    path: str = ""
    probability: float | None = None
    next: int | None = None
    nth: int | None = None
    ms: int = 100
    stored: bool = True
    reason: str = "endpoint-rate"
    seen: int = 0

    def strikes(self, method: str, path: str, chance: random.Random) -> bool:
        """Whether the rule strikes this call."""
        if self.method not in ("", method) or not re.search(self.path, path):
            return False
        self.seen += 1
        if self.nth is not None:
            return self.seen == self.nth
        if self.next is not None:
            return self.seen <= self.next
        return self.probability is None or chance.random() < self.probability


@dataclass
class Faults:
    """What goes wrong in one API call."""

    delay: float = 0.0
    effect: str = ""
    rule: Rule | None = None

    def wait(self) -> None:
        """Sit out the delay."""
        if self.delay:
            time.sleep(self.delay)


@dataclass
class Misbehavior:
    """The setting in force. Protected by the emulator's lock."""

    setting: Json = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    may_crash: bool = False
    _chance: random.Random = field(default_factory=random.Random)
    _second: int | None = None
    _refunds_left: int | None = None

    def replace(self, setting: Any, now: int) -> None:
        """Replace the setting in force; `{}` is good behavior."""
        if not isinstance(setting, dict) or set(setting) - {"seed", "calls", "deliveries", "refunds"}:
            raise MisbehaviorError("a setting can only contain `seed`, `calls`, `deliveries` and `refunds`")
        deliveries = setting.get("deliveries", {})
        if not isinstance(deliveries, dict) or set(deliveries) - DELIVERY_FIELDS:
            raise MisbehaviorError(f"`deliveries` can only contain {', '.join(sorted(DELIVERY_FIELDS))}")
        _check_numbers(deliveries)
        calls = setting.get("calls", [])
        if not isinstance(calls, list):
            raise MisbehaviorError("`calls` must be a list")
        rules = [_rule(one) for one in calls]
        if not self.may_crash and any(rule.effect.startswith("crash") for rule in rules):
            raise MisbehaviorError("only an emulator that runs in its own process can crash")
        refunds = setting.get("refunds", {})
        if (
            not isinstance(refunds, dict)
            or set(refunds) - REFUND_FIELDS
            or refunds.get("status", "pending") not in REFUND_STATUSES
        ):
            raise MisbehaviorError(
                f"`refunds` can only contain {', '.join(sorted(REFUND_FIELDS))}; "
                f"`status` must be one of {', '.join(REFUND_STATUSES)}"
            )
        _check_numbers(refunds)
        if not isinstance(setting.get("seed"), int | float | str | None):
            raise MisbehaviorError("`seed` must be a number or a string")
        self.rules = rules
        self._refunds_left = refunds.get("next")
        self._chance = random.Random(setting.get("seed"))
        self._second = now
        self.setting = setting

    def faults(self, method: str, path: str) -> Faults:
        """What goes wrong in an API call: the sum of all delays, and the first other effect that strikes."""
        faults = Faults()
        for rule in self.rules:
            if faults.effect and rule.effect != "delay":
                continue
            if not rule.strikes(method, path, self._chance):
                continue
            if rule.effect == "delay":
                faults.delay += rule.ms / 1000
            else:
                faults.effect, faults.rule = rule.effect, rule
        return faults

    def event_time(self, now: int) -> int:
        """The `created` of an event that happens now."""
        return self._second if self._second is not None and self._likely("same_second") else now

    def deliveries(self) -> list[tuple[str, float]]:
        """The status and the delay in seconds of each delivery of an event to one endpoint."""
        if self._likely("drop"):
            return [("dropped", 0.0)]
        status = "held" if self._deliveries.get("hold") else "pending"
        times = 2 if self._likely("duplicate") else 1
        return [(status, self._postponed()) for _ in range(times)]

    def refund_status(self) -> str:
        """The status of a refund created now: `succeeded`, unless the setting says otherwise."""
        wanted: Json = self.setting.get("refunds", {})
        if not wanted or self._chance.random() >= wanted.get("probability", 1):
            return "succeeded"
        if self._refunds_left is not None:
            if self._refunds_left <= 0:
                return "succeeded"
            self._refunds_left -= 1
        return str(wanted.get("status", "pending"))

    @property
    def _deliveries(self) -> Json:
        found: Json = self.setting.get("deliveries", {})
        return found

    def _postponed(self) -> float:
        delay = self._deliveries.get("delay_ms", 1000) / 1000 if self._likely("delay") else 0.0
        if self._likely("reorder"):
            # Whatever is sent within the random delay overtakes it.
            delay += self._chance.random() * self._deliveries.get("reorder_ms", 500) / 1000
        return delay

    def _likely(self, name: str) -> bool:
        probability = float(self._deliveries.get(name, 0))
        return probability > 0 and self._chance.random() < probability


def _check_numbers(given: Json) -> None:
    """Refuse numbers that would only fail later, in the calls that the rule strikes."""
    for name in sorted(NUMBERS & set(given)):
        if not isinstance(given[name], int | float) or given[name] < 0:
            raise MisbehaviorError(f"`{name}` must be a number that is not negative")


def _rule(given: Any) -> Rule:
    if not isinstance(given, dict) or set(given) - RULE_FIELDS or given.get("effect") not in EFFECTS:
        raise MisbehaviorError(
            f"a rule in `calls` can only contain {', '.join(sorted(RULE_FIELDS))}; "
            f"`effect` must be one of {', '.join(EFFECTS)}"
        )
    _check_numbers(given)
    try:
        re.compile(given.get("path", ""))
    except re.error as error:
        raise MisbehaviorError(f"`path` is not a regular expression: {error}") from error
    return Rule(**given)

"""Real processes that end by SIGKILL, are stopped by SIGSTOP, or whose hosts' clocks are ahead.

Each line on stdin, the arguments of `child` in JSON, forks a process, whose exit status is written to stdout. `how` is the
crossing at which the process that acts for the tenant is killed; or `stop`, if it is to stop itself just before it asks Stripe
for a refund, until it is to `resume`; 0 if it is instead to resolve what others left behind, and `ahead:N` if it is to do so
once, on a host whose clock is N seconds ahead.

They are forked from a process that has imported everything but opened nothing, since importing takes most of the time.
"""

import gc
import importlib
import json
import os
import signal
import sys
import time
import traceback

from stripe_bridge.bootstrap.adapters import build_adapters
from stripe_bridge.bootstrap.use_cases import build_bridge
from stripe_bridge.config import Settings
from stripe_bridge.use_cases.invoices.send import SendInvoiceCommand
from stripe_bridge.use_cases.refunds.issue import IssueRefundCommand
from tests.fakes.nudges import FakeNudges
from tests.proofs.boundary import Boundary
from tests.waiting import wait_until

# What the service imports when it first needs it.
_IMPORTED = (
    "alembic.runtime.migration",
    "stripe._stripe_client",
    "stripe_bridge.adapters.deliveries.http",
    "stripe_bridge.adapters.vault",
    "stripe_bridge.bootstrap.stripe_adapters",
)


def act(settings: Settings, how: str, what: str, tenant: str, integration_id: int, invoice_id: int) -> None:
    def die(crossing: int, place: str) -> None:
        if str(crossing) == how:
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "stop" and place == "before create_refund":
            os.kill(os.getpid(), signal.SIGSTOP)

    bridge = build_bridge(settings, Boundary(die).around(build_adapters(settings, FakeNudges())))
    if what == "send":
        bridge.invoices.send(
            SendInvoiceCommand(
                tenant_id=tenant, user_id=None, integration_id=integration_id, sales_order_id=501
            )
        )
    elif what == "void":
        bridge.invoices.void(tenant, invoice_id)
    else:
        bridge.refunds.issue(
            IssueRefundCommand(tenant_id=tenant, user_id=None, invoice_id=invoice_id, amount=5_000)
        )


def resolve(settings: Settings, integration_id: int) -> None:
    adapters = build_adapters(settings, FakeNudges())
    bridge = build_bridge(settings, adapters)

    def is_at_rest() -> bool:
        bridge.intents.settle_due()
        with adapters.store.reading() as work:
            return not work.intents.unsettled_of_integration(integration_id)

    wait_until(is_at_rest, every=0.05)


def resolve_once(settings: Settings, seconds_ahead: float) -> None:
    true = time.time
    time.time = lambda: true() + seconds_ahead
    build_bridge(settings, build_adapters(settings, FakeNudges())).intents.settle_due()


def child(
    *, settings: dict[str, str], how: str, what: str, tenant: str, integration_id: int, invoice_id: int
) -> int:
    ours = Settings.from_env({**os.environ, **settings})
    try:
        if how == "0":
            resolve(ours, integration_id)
        elif how.startswith("ahead:"):
            resolve_once(ours, float(how.removeprefix("ahead:")))
        else:
            act(ours, how, what, tenant, integration_id, invoice_id)
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def main() -> None:
    for name in _IMPORTED:
        importlib.import_module(name)
    gc.collect()
    # Otherwise each process would copy most of this memory as soon as it looks for garbage.
    gc.freeze()
    stopped = 0
    for line in sys.stdin:
        question = json.loads(line)
        if "resume" in question:
            pid = stopped
            os.kill(pid, signal.SIGCONT)
        else:
            pid = os.fork()
        if pid == 0:
            os._exit(child(**question))
        _, status = os.waitpid(pid, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            stopped = pid
            ended = -os.WSTOPSIG(status)
        else:
            ended = os.waitstatus_to_exitcode(status)
        sys.stdout.write(f"{ended}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

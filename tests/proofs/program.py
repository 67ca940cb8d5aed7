"""Real processes that end by SIGKILL.

Each line `crash_at act tenant integration invoice` on stdin forks a process that acts for the tenant and is killed at that
crossing; with 0, it instead resolves what others left behind. Its exit status is written to stdout.

They are forked from a process that has imported everything but opened nothing, since importing takes most of the time.
"""

import os
import signal
import sys
import traceback

from stripe_bridge.bootstrap.adapters import build_adapters
from stripe_bridge.bootstrap.use_cases import build_bridge
from stripe_bridge.config import Settings
from stripe_bridge.use_cases.invoices.send import SendInvoiceCommand
from stripe_bridge.use_cases.refunds.issue import IssueRefundCommand
from tests.fakes.nudges import FakeNudges
from tests.proofs.boundary import Boundary
from tests.waiting import wait_until


def act(
    settings: Settings, crash_at: int, what: str, tenant: str, integration_id: int, invoice_id: int
) -> None:
    def die(crossing: int, _: str) -> None:
        if crossing == crash_at:
            os.kill(os.getpid(), signal.SIGKILL)

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


def child(line: str) -> int:
    crash_at, what, tenant, integration, invoice = line.split()
    settings = Settings.from_env(os.environ)
    try:
        if crash_at == "0":
            resolve(settings, int(integration))
        else:
            act(settings, int(crash_at), what, tenant, int(integration), int(invoice))
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def main() -> None:
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os._exit(child(line))
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
